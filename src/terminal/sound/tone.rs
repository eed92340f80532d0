//! The tones as they are heard (`880 Hz` means done, low means ask), and the WAV bytes of each.

use crate::machine::feedback::State;

/// Samples a second: what every sound card takes without resampling.
const RATE_HZ: u32 = 48_000;
/// Loudness of full scale, so that the sum of nothing clips.
const AMPLITUDE: f64 = 0.6;
/// Each beep swells and fades so long, in milliseconds: without it a speaker clicks.
const EDGE_MS: u32 = 6;
/// Silence at the end, in milliseconds: some cards swallow the last of what they are given.
const TAIL_MS: u32 = 30;
/// Length of a WAV head in bytes.
const HEAD_BYTES: u32 = 44;

/// What is heard. High means done, low means that something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// One of 880 Hz, 120 ms: recorded, on time or not.
    Done,
    /// Two short ones of 880 Hz: it was recorded before.
    Already,
    /// Two of 440 Hz: the finger again.
    Again,
    /// Three of 300 Hz: the badge is not known, or no longer in use.
    Ask,
    /// Three long ones of 220 Hz: it was not recorded, sign on paper.
    NotRecorded,
    /// One of 300 Hz, 3 s: a reader or the store is at fault.
    Fault,
}

/// A beep or, at 0 Hz, a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beep {
    hz: u32,
    ms: u32,
}

impl Tone {
    /// The tone of a state; none where nobody is there to hear it.
    pub const fn of(state: State) -> Option<Self> {
        match state {
            State::Idle | State::Maintenance => None,
            State::Recorded | State::OffHours | State::Event | State::Out | State::Back => Some(Self::Done),
            State::Already => Some(Self::Already),
            State::Retry => Some(Self::Again),
            State::Unknown | State::Disabled => Some(Self::Ask),
            State::NotRecorded => Some(Self::NotRecorded),
            State::Fault => Some(Self::Fault),
        }
    }

    const fn beeps(self) -> (Beep, usize) {
        match self {
            Self::Done => (Beep { hz: 880, ms: 120 }, 1),
            Self::Already => (Beep { hz: 880, ms: 70 }, 2),
            Self::Again => (Beep { hz: 440, ms: 120 }, 2),
            Self::Ask => (Beep { hz: 300, ms: 150 }, 3),
            Self::NotRecorded => (Beep { hz: 220, ms: 450 }, 3),
            Self::Fault => (Beep { hz: 300, ms: 3_000 }, 1),
        }
    }

    /// A whole WAV: 16 bits, one channel.
    pub fn wav(self) -> Vec<u8> {
        let (beep, count) = self.beeps();
        let pause = Beep { hz: 0, ms: 80 };
        let line = std::iter::repeat_n([beep, pause], count).flatten().take(count * 2 - 1);
        wav_of(line)
    }
}

/// As good as nothing, to see whether sound can be played at all.
pub(super) fn silence() -> Vec<u8> {
    wav_of(std::iter::once(Beep { hz: 0, ms: 20 }))
}

fn wav_of(beeps: impl Iterator<Item = Beep>) -> Vec<u8> {
    let tail = Beep { hz: 0, ms: TAIL_MS };
    let samples: Vec<u8> = beeps.chain(std::iter::once(tail)).flat_map(samples_of).flat_map(i16::to_le_bytes).collect();
    let length = u32::try_from(samples.len()).expect("a few seconds of sound are far under 4 GiB");
    let mut wav = Vec::with_capacity(samples.len() + HEAD_BYTES as usize);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(HEAD_BYTES - 8 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16_u32.to_le_bytes());
    wav.extend_from_slice(&1_u16.to_le_bytes()); // PCM
    wav.extend_from_slice(&1_u16.to_le_bytes()); // one channel
    wav.extend_from_slice(&RATE_HZ.to_le_bytes());
    wav.extend_from_slice(&(RATE_HZ * 2).to_le_bytes()); // bytes a second
    wav.extend_from_slice(&2_u16.to_le_bytes()); // bytes a frame
    wav.extend_from_slice(&16_u16.to_le_bytes()); // bits a sample
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.extend_from_slice(&samples);
    wav
}

fn samples_of(beep: Beep) -> impl Iterator<Item = i16> {
    let count = RATE_HZ / 1_000 * beep.ms;
    let edge = f64::from(RATE_HZ / 1_000 * EDGE_MS);
    (0..count).map(move |at| {
        let (begun, left) = (f64::from(at), f64::from(count - at));
        let swell = (begun.min(left) / edge).min(1.0);
        let wave = (std::f64::consts::TAU * f64::from(beep.hz) * begun / f64::from(RATE_HZ)).sin();
        sample(wave * swell * AMPLITUDE)
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the value lies within ±1, times the largest sample")]
fn sample(value: f64) -> i16 {
    (value.clamp(-1.0, 1.0) * f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sound samples of a WAV.
    fn pcm(wav: &[u8]) -> Vec<i16> {
        wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    /// Stretches of sound, in milliseconds, with pauses of at least 10 ms between them, and the rises through zero in each.
    fn stretches(samples: &[i16]) -> Vec<(usize, usize)> {
        let ms: Vec<bool> = samples.chunks(48).map(|ms| ms.iter().any(|sample| sample.unsigned_abs() > 300)).collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (at, _) in ms.iter().enumerate().filter(|(_, loud)| **loud) {
            match found.last_mut() {
                Some((_, end)) if at - *end <= 10 => *end = at + 1,
                _ => found.push((at, at + 1)),
            }
        }
        let rises = |(from, to): (usize, usize)| samples[from * 48..to * 48].windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        found.into_iter().map(|(from, to)| (to - from, rises((from, to)) * 1_000 / (to - from))).collect()
    }

    #[test]
    fn a_recorded_punch_is_one_beep_of_880_hz_and_120_ms() {
        let heard = stretches(&pcm(&Tone::Done.wav()));
        assert_eq!(heard.len(), 1);
        assert!((116..=121).contains(&heard[0].0) && (860..=900).contains(&heard[0].1), "{heard:?}");
    }

    #[test]
    fn each_tone_has_its_number_of_beeps_and_its_pitch() {
        for (tone, beeps, hz) in
            [(Tone::Already, 2, 880), (Tone::Again, 2, 440), (Tone::Ask, 3, 300), (Tone::NotRecorded, 3, 220), (Tone::Fault, 1, 300)]
        {
            let heard = stretches(&pcm(&tone.wav()));
            assert_eq!(heard.len(), beeps, "{tone:?} {heard:?}");
            assert!(heard.iter().all(|(_, pitch)| pitch.abs_diff(hz) <= hz / 20), "{tone:?} {heard:?}");
        }
    }

    #[test]
    fn the_head_tells_the_true_sizes() {
        for wav in [Tone::Done.wav(), Tone::Fault.wav(), silence()] {
            let word = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap()) as usize;
            assert_eq!((&wav[..4], &wav[8..16], &wav[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
            assert_eq!((word(4), word(40), word(24)), (wav.len() - 8, wav.len() - 44, 48_000));
        }
        assert_eq!(Tone::Done.wav().len(), 44 + (120 + 30) * 48 * 2);
    }

    #[test]
    fn nothing_clicks_the_sound_begins_and_ends_at_zero() {
        for tone in [Tone::Done, Tone::Already, Tone::Again, Tone::Ask, Tone::NotRecorded, Tone::Fault] {
            let samples = pcm(&tone.wav());
            let leap = samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
            assert!(leap < 3_000, "{tone:?} leaps by {leap}");
            assert_eq!((samples[0], *samples.last().unwrap()), (0, 0));
        }
    }

    #[test]
    fn late_cannot_be_heard() {
        assert_eq!(Tone::of(State::Recorded), Some(Tone::Done));
        assert_eq!(Tone::of(State::OffHours), Some(Tone::Done));
        assert_eq!(Tone::of(State::Idle), None);
    }
}

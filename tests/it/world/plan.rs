//! What will go wrong in one world: drawn from the seed before anything happens.

use super::clocks::Battery;
use super::random::Random;

pub(super) const SECOND_MS: u64 = 1_000;
pub(super) const MINUTE_MS: u64 = 60 * SECOND_MS;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// From when until when, in true time.
pub(super) type Span = (u64, u64);

/// One kiosk's share.
#[derive(Debug, Clone)]
pub(super) struct KioskPlan {
    pub(super) battery: Battery,
    pub(super) drift_ppm: i64,
    pub(super) taps: Vec<u64>,
    pub(super) outages: Vec<Span>,
    pub(super) full: Vec<Span>,
    pub(super) power_cuts: Vec<u64>,
    /// When somebody turns the clock, and by how much.
    pub(super) turns: Vec<(u64, i64)>,
    pub(super) ntp: Vec<u64>,
    pub(super) cloned: Option<u64>,
    pub(super) damaged: Option<u64>,
    /// Acknowledged entries older than this are removed.
    pub(super) retention_ms: Option<u64>,
}

/// What will go wrong. Chances are of 10,000.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// When taps and faults end.
    pub(super) end: u64,
    pub(super) kiosks: Vec<KioskPlan>,
    pub(super) batch_entries: usize,
    pub(super) heartbeat_ms: u64,
    pub(super) loss: u64,
    pub(super) reply_loss: u64,
    pub(super) repeats: u64,
    pub(super) garbles: u64,
    pub(super) latency_max_ms: u64,
    pub(super) crashes: u64,
    pub(super) stalls: u64,
    pub(super) backups: Vec<u64>,
    pub(super) restores: Vec<u64>,
}

impl Plan {
    pub(super) fn draw(random: &mut Random) -> Self {
        let weeks = random.chance(600);
        let days = if weeks { 21 } else { random.pick(&[1, 1, 2]) };
        let end = days * DAY_MS;
        let count = random.between(1, 3);
        let kiosks = (0..count).map(|_| KioskPlan::draw(random, days)).collect();
        let times = |random: &mut Random, most: u64| (0..random.between(0, most)).map(|_| random.between(0, end)).collect::<Vec<u64>>();
        let (backups, mut restores) = (times(random, 4), times(random, 2));
        if random.chance(4_000) {
            restores.push(end + 20 * MINUTE_MS); // in a quiet night, when nobody taps any more
        }
        Self {
            end,
            kiosks,
            heartbeat_ms: if weeks { 30 } else { 10 } * MINUTE_MS,
            batch_entries: random.pick(&[3, 8, 20, 512]),
            loss: random.pick(&[0, 500, 3_000]),
            reply_loss: random.pick(&[0, 1_000]),
            repeats: random.pick(&[0, 500]),
            garbles: random.pick(&[0, 0, 200]),
            latency_max_ms: random.pick(&[100, 2_000, 40_000]),
            crashes: random.pick(&[0, 10, 60]),
            stalls: random.pick(&[0, 500]),
            backups,
            restores,
        }
    }
}

impl KioskPlan {
    fn draw(random: &mut Random, days: u64) -> Self {
        let end = days * DAY_MS;
        let mut outages = spans(random, 4, end, 4 * HOUR_MS);
        if random.chance(1_500) {
            outages.push((end / 10, end - end / 20)); // weeks, where the world lasts weeks
        }
        let battery = random.pick(&[Battery::Good, Battery::Empty, Battery::Lifted]);
        let turn = |random: &mut Random| (random.between(0, end), random.pick(&[-3_600_000, 86_400_000, -90_000, 400 * 86_400_000]));
        Self {
            battery,
            drift_ppm: i64::try_from(random.between(0, 80)).unwrap() - 40,
            taps: taps(random, days),
            outages,
            full: spans(random, 2, end, HOUR_MS),
            power_cuts: (0..random.between(0, 3)).map(|_| random.between(0, end)).collect(),
            turns: (0..random.pick(&[0, 0, 1, 2])).map(|_| turn(random)).collect(),
            ntp: (0..random.pick(&[0, 2, 12]) * days).map(|_| random.between(0, end)).chain([end + 15 * MINUTE_MS]).collect(),
            cloned: random.chance(1_500).then(|| random.between(end / 10, end)),
            damaged: random.chance(1_500).then(|| random.between(end / 10, end)),
            retention_ms: random.chance(3_000).then(|| random.between(HOUR_MS, end)),
        }
    }
}

fn spans(random: &mut Random, most: u64, end: u64, longest: u64) -> Vec<Span> {
    let span = |random: &mut Random| {
        let from = random.between(0, end - 1);
        (from, (from + random.between(MINUTE_MS, longest)).min(end))
    };
    (0..random.between(0, most)).map(|_| span(random)).collect()
}

/// Four rushes a day, as in a hall, and a few strays.
fn taps(random: &mut Random, days: u64) -> Vec<u64> {
    let people = random.between(1, if days > 2 { 4 } else { 12 });
    let mut taps = Vec::new();
    for day in 0..days {
        for opens in [8 * HOUR_MS, 11 * HOUR_MS + 50 * MINUTE_MS, 13 * HOUR_MS, 17 * HOUR_MS] {
            let one = |random: &mut Random| day * DAY_MS + opens + random.between(0, 20 * MINUTE_MS);
            taps.extend((0..people).map(|_| one(random)));
        }
        taps.extend((0..random.between(0, 3)).map(|_| day * DAY_MS + random.between(0, DAY_MS - 1)));
    }
    taps
}

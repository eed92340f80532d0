//! A fingerprint module of the EF01 family (R30x, R503, AS608, FPM383): answers every packet as the manuals say.
//!
//! Templates, password, address and settings survive a restart; the image, the feature buffers and a verified password do not.

use std::collections::BTreeMap;

use super::finger_instruction::{Dialect, Instruction, Parameters, Refusal};
use super::finger_library::{self as library, CAPACITY, Library, Numbers};
use super::finger_packet::{Kind, Piece, Unpacker, packet};
use super::hex;

/// The byte that a module sends when it has started.
const STARTED: u8 = 0x55;
/// The address of a module as delivered.
const ADDRESS: u32 = 0xFFFF_FFFF;
/// Security level as delivered, of 1 to 5.
const LEVEL: u8 = 3;
/// Code of a data packet's size as delivered: 32 bytes shifted left by it, so 128.
const PACKET_CODE: u8 = 2;
/// Speed as delivered, in units of 9,600 baud: 57,600.
const SPEED: u8 = 6;
/// Fingers that no slot can have been delivered with are numbered from here.
const STRANGERS: u64 = 1 << 32;
/// Product information of a Grow module, in bytes.
const PRODUCT_BYTES: usize = 46;

/// What lies on the sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// The finger whose template is in this slot. A slot that the host never touched has the finger of its number.
    Slot(u16),
    /// A finger that is in no slot, by a number of the caller's: for enrolling.
    New(u16),
    /// A finger that nobody has seen before.
    Unknown,
    /// A finger that gives an image without features.
    Smudged,
}

/// One thing that the host wrote, named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) raw: Vec<u8>,
    pub(crate) name: String,
}

/// The module.
#[derive(Debug)]
pub(crate) struct Module {
    dialect: Dialect,
    address: u32,
    password: u32,
    verified: bool,
    level: u8,
    packet_code: u8,
    speed: u8,
    library: Library,
    unpacker: Unpacker,
    /// The pattern on the sensor; an empty one is smudged.
    on: Option<Vec<u8>>,
    image: Option<Vec<u8>>,
    buffers: BTreeMap<u8, Vec<u8>>,
    /// A template that the host is sending, and for which buffer.
    arriving: Option<(u8, Vec<u8>)>,
    captures: u64,
    strangers: u64,
    random: Numbers,
}

impl Module {
    pub(crate) fn new(dialect: Dialect, password: u32) -> Self {
        Self {
            dialect,
            address: ADDRESS,
            password,
            verified: false,
            level: LEVEL,
            packet_code: PACKET_CODE,
            speed: SPEED,
            library: Library::default(),
            unpacker: Unpacker::default(),
            on: None,
            image: None,
            buffers: BTreeMap::new(),
            arriving: None,
            captures: 0,
            strangers: STRANGERS,
            random: Numbers(0),
        }
    }

    /// Puts a finger on; `false` for a slot that does not exist.
    pub(crate) fn touch(&mut self, touch: &Touch) -> bool {
        let pattern = match touch {
            Touch::Slot(slot) => self.library.delivered(*slot),
            Touch::New(number) => Some(library::pattern((STRANGERS << 1) + u64::from(*number))),
            Touch::Unknown => {
                self.strangers += 1;
                Some(library::pattern(self.strangers))
            }
            Touch::Smudged => Some(Vec::new()),
        };
        let known = pattern.is_some();
        if known {
            self.on = pattern;
        }
        known
    }

    pub(crate) fn lift(&mut self) {
        self.on = None;
    }

    pub(crate) const fn is_touched(&self) -> bool {
        self.on.is_some()
    }

    pub(crate) fn set_password(&mut self, password: u32) {
        self.password = password;
        self.verified = false;
    }

    pub(crate) fn fill(&mut self) {
        self.strangers += u64::from(CAPACITY);
        self.library.fill(self.strangers - u64::from(CAPACITY) + 1);
    }

    /// Restarts, and gives what the module says then.
    pub(crate) fn restart(&mut self) -> Vec<u8> {
        self.unpacker.forget();
        self.verified = false;
        self.image = None;
        self.buffers.clear();
        self.arriving = None;
        vec![STARTED]
    }

    /// Takes the host's bytes: what they were, and the frames to answer with.
    pub(crate) fn host(&mut self, bytes: &[u8]) -> (Vec<Heard>, Vec<Vec<u8>>) {
        let (mut heard, mut answers) = (Vec::new(), Vec::new());
        for piece in self.unpacker.take(bytes) {
            let (raw, name) = match piece {
                Piece::Stray(raw) => (raw, "stray bytes".to_owned()),
                Piece::Damaged(raw) => {
                    answers.push(self.acknowledge(&[Refusal::RECEIVE.0]));
                    (raw, "damaged packet".to_owned())
                }
                Piece::Packet { address, raw, .. } if address != self.address => (raw, "for another address".to_owned()),
                Piece::Packet { kind, content, raw, .. } => {
                    let (name, frames) = self.packet(kind, &content);
                    answers.extend(frames);
                    (raw, name)
                }
            };
            heard.push(Heard { raw, name });
        }
        (heard, answers)
    }

    fn packet(&mut self, kind: Kind, content: &[u8]) -> (String, Vec<Vec<u8>>) {
        match kind {
            Kind::Data | Kind::LastData => {
                self.arrive(content, kind == Kind::LastData);
                (format!("{kind:?}"), Vec::new())
            }
            Kind::Acknowledge => (format!("{kind:?}"), Vec::new()),
            Kind::Command => {
                let Some((code, parameters)) = content.split_first() else {
                    return ("empty command".to_owned(), vec![self.acknowledge(&[Refusal::RECEIVE.0])]);
                };
                let Some(instruction) = Instruction::of(*code, self.dialect) else {
                    return (format!("unknown {}", hex::shown(&[*code])), vec![self.acknowledge(&[Refusal::UNSUPPORTED.0])]);
                };
                (format!("{instruction:?}"), self.answer(instruction, parameters))
            }
        }
    }

    fn answer(&mut self, instruction: Instruction, parameters: &[u8]) -> Vec<Vec<u8>> {
        if self.password != 0 && !self.verified && !instruction.is_open() {
            return vec![self.acknowledge(&[Refusal::VERIFY_FIRST.0])];
        }
        let content = match self.carry_out(instruction, Parameters(parameters)) {
            Ok(told) => [&[0][..], &told].concat(),
            Err(Refusal(code, told)) => [&[code], told].concat(),
        };
        let done = content.first() == Some(&0);
        let mut frames = vec![self.acknowledge(&content)];
        if done && instruction == Instruction::UpChar {
            frames.extend(self.data(parameters));
        }
        if instruction == Instruction::SoftRst {
            frames.push(self.restart());
        }
        frames
    }

    fn carry_out(&mut self, instruction: Instruction, mut given: Parameters<'_>) -> Result<Vec<u8>, Refusal> {
        match instruction {
            Instruction::GetImage | Instruction::GetImageEx | Instruction::GetEnrollImage => self.get_image(),
            Instruction::Img2Tz => self.img_to_features(given.buffer()?),
            Instruction::Match => self.compare(),
            Instruction::Search | Instruction::HiSpeedSearch => self.search(given.buffer()?, given.word()?, given.word()?),
            Instruction::RegModel => self.merge(),
            Instruction::Store => self.store(given.buffer()?, given.word()?),
            Instruction::LoadChar => self.load(given.buffer()?, given.word()?),
            Instruction::UpChar => self.buffers.get(&given.buffer()?).map(|_| Vec::new()).ok_or(Refusal::NOT_UPLOADED),
            Instruction::DownChar => {
                self.arriving = Some((given.buffer()?, Vec::new()));
                Ok(Vec::new())
            }
            Instruction::Delete => when(self.library.remove(given.word()?, given.word()?), Refusal::NOT_DELETED),
            Instruction::Empty => when(self.library.remove(0, CAPACITY), Refusal::NOT_DELETED),
            Instruction::SetSysPara => self.set(given.byte()?, given.byte()?),
            Instruction::ReadSysPara => Ok(self.settings()),
            Instruction::SetPwd => {
                self.password = given.double()?;
                Ok(Vec::new())
            }
            Instruction::VfyPwd => {
                self.verified = given.double()? == self.password;
                when(self.verified, Refusal::WRONG_PASSWORD)
            }
            Instruction::GetRandom => Ok(self.random.bytes(4)),
            Instruction::SetAddr => {
                self.address = given.double()?;
                Ok(Vec::new())
            }
            Instruction::TemplateNum => Ok(self.library.count().to_be_bytes().to_vec()),
            Instruction::ReadIndexTable => {
                let page = given.byte()?;
                if page > 3 { Err(Refusal::NO_SUCH_SLOT) } else { Ok(self.library.index(page).to_vec()) }
            }
            Instruction::AuraLedConfig | Instruction::ControlBln => given.take::<4>().map(|_| Vec::new()),
            Instruction::ReadProdInfo => {
                let mut told = b"PUNCH-SIM".to_vec();
                told.resize(PRODUCT_BYTES, 0);
                Ok(told)
            }
            Instruction::GetEcho => Err(Refusal::ECHO),
            Instruction::Cancel | Instruction::HandShake | Instruction::CheckSensor | Instruction::SoftRst | Instruction::GetImageInfo => {
                Ok(Vec::new())
            }
        }
    }

    fn get_image(&mut self) -> Result<Vec<u8>, Refusal> {
        let on = self.on.as_ref().ok_or(Refusal::NO_FINGER)?;
        self.captures += 1;
        self.image = Some(library::capture(on, self.captures));
        Ok(Vec::new())
    }

    fn img_to_features(&mut self, buffer: u8) -> Result<Vec<u8>, Refusal> {
        let image = self.image.take().ok_or(Refusal::NO_IMAGE)?;
        if image.is_empty() {
            return Err(Refusal::MESSY);
        }
        if buffer == 1 {
            // A new series of captures: what an earlier one left behind would never merge with it.
            self.buffers.retain(|kept, _| *kept <= 2);
        }
        self.buffers.insert(buffer, image);
        Ok(Vec::new())
    }

    fn compare(&self) -> Result<Vec<u8>, Refusal> {
        let both = self.buffers.get(&1).zip(self.buffers.get(&2));
        let score = both.and_then(|(one, other)| library::score(one, other)).ok_or(Refusal::NOT_MATCHING)?;
        Ok(score.to_be_bytes().to_vec())
    }

    fn search(&self, buffer: u8, first: u16, count: u16) -> Result<Vec<u8>, Refusal> {
        let sought = self.buffers.get(&buffer).ok_or(Refusal::NOT_FOUND)?;
        let (slot, score) = self.library.search(sought, first, count).ok_or(Refusal::NOT_FOUND)?;
        Ok([slot.to_be_bytes(), score.to_be_bytes()].concat())
    }

    /// Makes one template of all captures; it stands in buffers 1 and 2 afterwards.
    fn merge(&mut self) -> Result<Vec<u8>, Refusal> {
        let one = self.buffers.get(&1).ok_or(Refusal::NOT_MERGED)?;
        let alike = self.buffers.values().all(|other| library::score(one, other).is_some());
        if !alike || !self.buffers.contains_key(&2) {
            return Err(Refusal::NOT_MERGED);
        }
        let template = one.clone();
        self.buffers = BTreeMap::from([(1, template.clone()), (2, template)]);
        Ok(Vec::new())
    }

    fn store(&mut self, buffer: u8, slot: u16) -> Result<Vec<u8>, Refusal> {
        let template = self.buffers.get(&buffer).ok_or(Refusal::NO_TEMPLATE)?.clone();
        when(self.library.put(slot, template), Refusal::NO_SUCH_SLOT)
    }

    fn load(&mut self, buffer: u8, slot: u16) -> Result<Vec<u8>, Refusal> {
        if slot >= CAPACITY {
            return Err(Refusal::NO_SUCH_SLOT);
        }
        let template = self.library.get(slot).ok_or(Refusal::NO_TEMPLATE)?.clone();
        self.buffers.insert(buffer, template);
        Ok(Vec::new())
    }

    fn set(&mut self, setting: u8, value: u8) -> Result<Vec<u8>, Refusal> {
        let (place, legal) = match setting {
            4 => (&mut self.speed, 1..=12),
            5 => (&mut self.level, 1..=5),
            6 => (&mut self.packet_code, 0..=3),
            _ => return Err(Refusal::NO_SUCH_SETTING),
        };
        if !legal.contains(&value) {
            return Err(Refusal::NO_SUCH_VALUE);
        }
        *place = value;
        Ok(Vec::new())
    }

    /// Status, system, capacity, level, address, packet size, speed.
    fn settings(&self) -> Vec<u8> {
        let status = u8::from(self.verified) << 2 | u8::from(self.image.is_some()) << 3;
        let [high, low] = CAPACITY.to_be_bytes();
        let mut told = vec![0, status, 0, 0, high, low, 0, self.level];
        told.extend(self.address.to_be_bytes());
        told.extend([0, self.packet_code, 0, self.speed]);
        told
    }

    /// The data packets of the buffer that the parameters name.
    fn data(&self, parameters: &[u8]) -> Vec<Vec<u8>> {
        let template = parameters.first().and_then(|buffer| self.buffers.get(buffer)).map(Vec::as_slice).unwrap_or_default();
        let size = 32_usize << self.packet_code;
        let packets = template.len().div_ceil(size);
        let kinds = (1..=packets).map(|number| if number == packets { Kind::LastData } else { Kind::Data });
        template.chunks(size).zip(kinds).map(|(part, kind)| packet(self.address, kind, part)).collect()
    }

    /// Takes a part of a template; the module confirms none of them.
    fn arrive(&mut self, part: &[u8], last: bool) {
        let Some((buffer, mut template)) = self.arriving.take() else { return };
        template.extend(part);
        template.truncate(library::TEMPLATE_BYTES);
        if last {
            self.buffers.insert(buffer, template);
        } else {
            self.arriving = Some((buffer, template));
        }
    }

    fn acknowledge(&self, content: &[u8]) -> Vec<u8> {
        packet(self.address, Kind::Acknowledge, content)
    }
}

/// Done, or refused.
fn when(done: bool, refusal: Refusal) -> Result<Vec<u8>, Refusal> {
    if done { Ok(Vec::new()) } else { Err(refusal) }
}

/// Makes the checksum wrong.
pub(crate) fn spoil(frame: &mut [u8]) {
    if let Some(byte) = frame.last_mut() {
        *byte ^= 0x01;
    }
}

/// Makes the address another module's.
pub(crate) fn readdress(frame: &mut [u8]) {
    if let Some(byte) = frame.get_mut(5) {
        *byte ^= 0x01;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_finger_is_found_in_its_slot_and_a_strange_one_is_not() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert_eq!(ask(&mut module, "01"), "02", "no finger");
        assert!(module.touch(&Touch::Slot(7)));
        assert!(identify(&mut module).starts_with("000007"));
        assert!(module.touch(&Touch::Unknown));
        assert_eq!(identify(&mut module), "0900000000");
        module.lift();
        assert_eq!(ask(&mut module, "01"), "02");
    }

    #[test]
    fn a_smudged_finger_gives_an_image_and_no_features() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert!(module.touch(&Touch::Smudged));
        assert_eq!([ask(&mut module, "01"), ask(&mut module, "0201")], ["00", "06"]);
    }

    #[test]
    fn a_new_finger_is_enrolled_from_two_captures_and_found_where_it_was_stored() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert!(module.touch(&Touch::New(3)));
        for step in ["01", "0201", "01", "0202", "05", "06010000"] {
            assert_eq!(ask(&mut module, step), "00", "{step}");
        }
        assert_eq!(ask(&mut module, "1D"), "000001");
        assert!(identify(&mut module).starts_with("000000"));
        assert_eq!(ask(&mut module, "0C00000001"), "00");
        assert_eq!(identify(&mut module), "0900000000");
    }

    #[test]
    fn captures_of_two_fingers_do_not_merge() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert!(module.touch(&Touch::New(1)));
        assert_eq!([ask(&mut module, "01"), ask(&mut module, "0201")], ["00", "00"]);
        assert!(module.touch(&Touch::New(2)));
        assert_eq!([ask(&mut module, "01"), ask(&mut module, "0202")], ["00", "00"]);
        assert_eq!(ask(&mut module, "05"), "0A");
        assert_eq!(ask(&mut module, "03"), "080000");
    }

    #[test]
    fn a_template_goes_up_and_comes_down_in_packets_of_the_size_that_was_set() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert!(module.touch(&Touch::New(1)));
        assert_eq!([ask(&mut module, "01"), ask(&mut module, "0201")], ["00", "00"]);
        for (code, packets) in [("00", 16), ("02", 4), ("03", 2)] {
            assert_eq!(ask(&mut module, &format!("0E06{code}")), "00");
            let frames = command(&mut module, &[0x08, 0x01]);
            assert_eq!(frames.len(), 1 + packets);
            let kinds: Vec<u8> = frames[1..].iter().map(|frame| frame[6]).collect();
            assert!(kinds[..packets - 1].iter().all(|kind| *kind == 2) && kinds[packets - 1] == 8);
        }
        let frames = command(&mut module, &[0x08, 0x01]);
        assert_eq!(ask(&mut module, "0902"), "00");
        for frame in &frames[1..] {
            assert!(module.host(frame).1.is_empty());
        }
        assert_eq!(ask(&mut module, "03"), "0000C8", "both buffers hold the same template");
    }

    #[test]
    fn a_module_with_a_password_answers_nothing_else_before_it_and_again_after_a_restart() {
        let mut module = Module::new(Dialect::Grow, 0x1234);
        assert_eq!(ask(&mut module, "01"), "21");
        assert_eq!(ask(&mut module, "1300000000"), "13");
        assert_eq!(ask(&mut module, "1300001234"), "00");
        assert_eq!(ask(&mut module, "01"), "02");
        assert_eq!(module.restart(), [0x55]);
        assert_eq!(ask(&mut module, "01"), "21");
    }

    #[test]
    fn the_settings_are_the_published_ones_of_a_module_as_delivered() {
        let mut module = Module::new(Dialect::Grow, 0);
        assert_eq!(ask(&mut module, "0F"), "000000000000C80003FFFFFFFF00020006");
        assert_eq!(ask(&mut module, "0E0700"), "1A");
        assert_eq!(ask(&mut module, "0E0509"), "1B");
    }

    #[test]
    fn a_full_module_shows_every_slot_taken() {
        let mut module = Module::new(Dialect::Grow, 0);
        module.fill();
        assert_eq!(ask(&mut module, "1D"), "0000C8");
        assert_eq!(ask(&mut module, "1F00"), format!("00{}{}", "FF".repeat(25), "00".repeat(7)));
    }

    #[test]
    fn packets_for_another_address_are_not_answered() {
        let mut module = Module::new(Dialect::Grow, 0);
        let (heard, answers) = module.host(&packet(0x0000_0001, Kind::Command, &[0x01]));
        assert_eq!(heard[0].name, "for another address");
        assert!(answers.is_empty());
    }

    #[test]
    fn unknown_instructions_and_damaged_packets_are_answered_as_such() {
        let mut module = Module::new(Dialect::Synochip, 0);
        assert_eq!(ask(&mut module, "40"), "FC", "a Grow handshake");
        assert_eq!(ask(&mut module, "35"), "00", "a Synochip handshake");
        let mut bad = packet(ADDRESS, Kind::Command, &[0x01]);
        spoil(&mut bad);
        let (heard, answers) = module.host(&bad);
        assert_eq!(heard[0].name, "damaged packet");
        assert_eq!(answers, [packet(ADDRESS, Kind::Acknowledge, &[0x01])]);
    }

    fn identify(module: &mut Module) -> String {
        assert_eq!([ask(module, "01"), ask(module, "0201")], ["00", "00"]);
        ask(module, "0401000000C8")
    }

    /// The content of the acknowledgement of a command, both in hexadecimal.
    fn ask(module: &mut Module, content: &str) -> String {
        let frame = command(module, &hex::parsed(content).unwrap()).remove(0);
        hex::shown(&frame[9..frame.len() - 2])
    }

    fn command(module: &mut Module, content: &[u8]) -> Vec<Vec<u8>> {
        module.host(&packet(ADDRESS, Kind::Command, content)).1
    }
}

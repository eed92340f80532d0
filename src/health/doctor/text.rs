//! A sentence in both languages, and the numbers in it as people say them.

/// A sentence in Chinese and in English.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Of both.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The same in both: a command, a path.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { zh: text.clone(), en: text }
    }

    /// More of the same sentence, where there is more.
    #[must_use]
    pub fn and(mut self, more: Option<Self>) -> Self {
        if let Some(more) = more {
            self.zh.push('，');
            self.zh.push_str(&more.zh);
            self.en.push_str(", ");
            self.en.push_str(&more.en);
        }
        self
    }

    /// Whether nothing is said.
    pub const fn is_empty(&self) -> bool {
        self.zh.is_empty() && self.en.is_empty()
    }
}

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A span of time in its largest whole unit, two of them at least where there are.
pub(super) fn span(millis: u64) -> Text {
    let (count, zh, en) = match millis {
        0..SECOND_MS => return Text::new(format!("{millis} 毫秒"), format!("{millis} ms")),
        SECOND_MS..120_000 => (millis / SECOND_MS, "秒", "s"),
        120_000..7_200_000 => (millis / MINUTE_MS, "分钟", "min"),
        7_200_000..172_800_000 => (millis / HOUR_MS, "小时", "h"),
        _ => (millis / DAY_MS, "天", "days"),
    };
    Text::new(format!("{count} {zh}"), format!("{count} {en}"))
}

/// So many things in English: `1 reader`, `2 readers`.
pub(super) fn counted<N: std::fmt::Display + PartialEq + From<u8>>(count: &N, one: &str) -> String {
    let ending = if *count == N::from(1) { "" } else { "s" };
    format!("{count} {one}{ending}")
}

/// A size as disks are sold: in the unit that leaves three digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if tenths < 100 { format!("{}.{} {name}", tenths / 10, tenths % 10) } else { format!("{} {name}", tenths / 10) }
}

/// A signed span, such as a clock's offset: `+0.3 s`, `-3600.0 s`.
pub(super) fn offset(millis: i64) -> String {
    let tenths = millis.unsigned_abs() / 100;
    let sign = match (tenths, millis < 0) {
        (0, _) => '±',
        (_, true) => '-',
        (_, false) => '+',
    };
    format!("{sign}{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        let spans = [(900, "900 ms"), (59_999, "59 s"), (3_600_000, "60 min"), (7_200_000, "2 h"), (8 * DAY_MS, "8 days")];
        for (millis, en) in spans {
            assert_eq!(span(millis).en, en);
        }
        for (bytes, said) in [(0, "0.0 KB"), (4_096, "4.0 KB"), (65_536, "65 KB"), (8_388_608, "8.3 MB"), (118_000_000_000, "118 GB")] {
            assert_eq!(size(bytes), said);
        }
        assert_eq!([-3_600_000, 249, -99].map(offset), ["-3600.0 s", "+0.2 s", "±0.0 s"]);
    }
}

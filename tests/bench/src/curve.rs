//! A figure at several sizes: points, and a plot that a terminal shows.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Widest bar, in characters.
const BAR_MAX: f64 = 40.0;

/// A figure at several sizes.
#[derive(Debug)]
pub(crate) struct Curve {
    name: String,
    points: Vec<(u64, f64)>,
}

impl Curve {
    /// Without points yet.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), points: Vec::new() }
    }

    /// One point more.
    pub(crate) fn add(&mut self, size: u64, value: f64) {
        self.points.push((size, value));
    }

    /// Its points.
    pub(crate) fn json(&self) -> Value {
        let points: Vec<_> = self.points.iter().map(|(size, value)| json!({ "punches": size, "value": value })).collect();
        json!({ "figure": self.name, "points": points })
    }

    /// A bar for each point, the longest for the greatest.
    pub(crate) fn plot(&self) -> String {
        let greatest = self.points.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        let mut text = format!("{}\n", self.name);
        for (size, value) in &self.points {
            let bar: String = (0..40).map(f64::from).take_while(|place| *place < value / greatest * BAR_MAX).map(|_| '█').collect();
            writeln!(text, "{size:>9} punches {value:>10.2} {bar}").expect("text takes text");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_point_has_the_longest_bar() {
        let mut curve = Curve::new("ms");
        curve.add(1_000, 1.0);
        curve.add(10_000, 4.0);
        let plot = curve.plot();
        let bars: Vec<usize> = plot.lines().map(|line| line.matches('█').count()).collect();
        assert_eq!(bars, [0, 10, 40]);
        assert_eq!(curve.json()["points"][1]["value"], 4.0);
    }
}

//! The style sheet held to the numbers it promises.

/// Least contrast between text and its ground (MIIT's guide for elderly users and WCAG alike).
const CONTRAST_MIN: f64 = 4.5;

#[test]
fn every_text_stands_out_from_its_ground() {
    let sheet = include_str!("../kiosk.css");
    let mut grounds = 0;
    for rule in sheet.lines().filter(|line| line.contains("--ground:")) {
        grounds += 1;
        let colour = |name: &str| value(rule, name);
        for (text, ground) in [("--ink", "--ground"), ("--ink", "--veil"), ("--soft", "--ground"), ("--ground", "--ink")] {
            let contrast = contrast(&colour(text), &colour(ground));
            assert!(contrast >= CONTRAST_MIN, "{text} on {ground} has {contrast:.1}:1 in {rule}");
        }
    }
    assert_eq!(grounds, 6);
    for block in sheet.split('}').filter(|block| block.contains(" background: #") && block.contains(" color: #")) {
        let contrast = contrast(&value(block, " color"), &value(block, "background"));
        assert!(contrast >= CONTRAST_MIN, "{contrast:.1}:1 in {block}");
    }
    assert!(contrast("#12335c", "#f5f7fa") >= CONTRAST_MIN && contrast("#d5e2f2", "#12335c") >= CONTRAST_MIN);
}

/// `#112233` or `#123` of a property in a rule of the style sheet.
fn value(rule: &str, property: &str) -> String {
    let (_, text) = rule.split_once(&format!("{property}: #")).unwrap_or_else(|| panic!("{property} in {rule}"));
    format!("#{}", text.split([';', ' ', '}']).next().unwrap())
}

fn contrast(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance as WCAG 2.1 defines it.
fn luminance(colour: &str) -> f64 {
    let digits: Vec<u32> = colour.trim_start_matches('#').chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    let parts: Vec<u32> =
        if digits.len() == 3 { digits.iter().map(|d| d * 17).collect() } else { digits.chunks(2).map(|d| d[0] * 16 + d[1]).collect() };
    let linear = |part: u32| {
        let share = f64::from(part) / 255.0;
        if share <= 0.039_28 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(parts[0]) + 0.7152 * linear(parts[1]) + 0.0722 * linear(parts[2])
}

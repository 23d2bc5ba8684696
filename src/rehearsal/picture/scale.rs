//! Round numbers for axes. Pure.

use super::super::weights::precise;

/// A count as a coordinate.
pub(super) fn float(count: usize) -> f64 {
    precise(count as u64)
}

/// A large count as a coordinate.
pub(super) fn float64(count: u64) -> f64 {
    precise(count)
}

/// The smallest of 1, 2, 5, 10, 20, 50 … that is at least this.
pub(super) fn round_up(value: f64) -> f64 {
    let mut decade = 0.001;
    while decade * 10.0 < value {
        decade *= 10.0;
    }
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    let fits = steps.into_iter().find(|step| *step >= value * 0.999_999);
    fits.unwrap_or(decade * 10.0)
}

/// The top of an axis that shows this value: a little above it, and a round number.
pub(super) fn top(highest: f64) -> f64 {
    let step = round_up((highest / 4.0).max(0.25));
    (highest / step).ceil().max(1.0) * step
}

/// Round steps from 0 to the end, at most so many.
pub(super) fn ticks(end: f64, most: usize) -> Vec<f64> {
    let step = round_up(end / float(most.max(1)));
    let mut ticks = Vec::new();
    let mut number = 0;
    while float(number) * step <= end * 1.000_001 && number <= most {
        ticks.push(float(number) * step);
        number += 1;
    }
    ticks
}

/// A number without zeros that say nothing: `2`, `0.5`, `1,200`.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() {
        grouped
    } else {
        format!("{grouped}.{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_a_little_above_the_highest_value_at_a_round_number() {
        for (highest, expected) in [(200.0, 200.0), (207.0, 300.0), (35.0, 40.0), (0.0, 0.5)] {
            assert!(
                (top(highest) - expected).abs() < 1e-9,
                "{highest}: {}",
                top(highest)
            );
        }
    }

    #[test]
    fn ticks_are_round_and_not_too_many() {
        assert_eq!(ticks(10.0, 10).len(), 11);
        assert_eq!(ticks(12.0, 10).last(), Some(&12.0));
        assert_eq!(ticks(0.0, 10), [0.0]);
        for end in [0.3, 7.0, 61.0, 86_400.0] {
            let ticks = ticks(end, 10);
            assert!((2..=11).contains(&ticks.len()), "{end}: {ticks:?}");
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (2.0, "2"),
            (0.5, "0.5"),
            (1_200.0, "1,200"),
            (1_234_567.25, "1,234,567.25"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}

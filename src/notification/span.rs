//! A length of time as a person says it.

/// `14 s`, `10 min`, `3 h 20 min`, `2 d 5 h`: two parts at most, never more exact than matters.
pub(super) fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 => format!("{millis} ms"),
        (0, 0, 0..=1) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => two((hours, "h"), (minutes % 60, "min")),
        _ => two((days, "d"), (hours % 24, "h")),
    }
}

fn two(large: (u64, &str), small: (u64, &str)) -> String {
    match small.0 {
        0 => format!("{} {}", large.0, large.1),
        _ => format!("{} {} {} {}", large.0, large.1, small.0, small.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_two_parts_at_most() {
        let said = [
            0,
            900,
            14_000,
            119_000,
            600_000,
            3_600_000,
            12_000_000,
            190_800_000,
        ]
        .map(span);
        assert_eq!(
            said,
            [
                "0 ms",
                "900 ms",
                "14 s",
                "119 s",
                "10 min",
                "1 h",
                "3 h 20 min",
                "2 d 5 h"
            ]
        );
    }
}

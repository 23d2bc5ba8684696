//! A time of the wall clock as people read it.

const DAY: u64 = 86_400_000;

/// Milliseconds since 1970-01-01 00:00 UTC as RFC 3339 writes them: `2026-11-21T03:14:07.250Z`.
#[must_use]
pub fn utc(millis: u64) -> String {
    let (year, month, day) = civil(millis / DAY);
    let of_day = millis % DAY;
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Year, month and day of the day that is so many days after 1970-01-01, in the Gregorian calendar.
///
/// Counted in eras of 400 years that begin on the first of March, so that the leap day is the last
/// of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_date_prints_them() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(utc(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(utc(1_795_290_322_250), "2026-11-21T19:45:22.250Z");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_day_before() {
        let mut before = civil(0);
        for day in 1..146_097 {
            let (year, month, date) = civil(day);
            let next_day = (year, month) == (before.0, before.1) && date == before.2 + 1;
            let next_month = date == 1 && before.2 >= 28 && (month == before.1 + 1 || month == 1);
            assert!(next_day || next_month, "{before:?} {:?}", civil(day));
            before = (year, month, date);
        }
        assert_eq!(civil(146_097), (2370, 1, 1));
    }

    #[test]
    fn no_number_panics() {
        assert!(utc(u64::MAX).ends_with('Z'));
    }
}

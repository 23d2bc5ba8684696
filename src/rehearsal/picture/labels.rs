//! Labels in lanes, so that none covers another and no line crosses a text. Pure.

/// How wide a character of a label is at most, on average, in pixels.
pub(super) const CHARACTER: f64 = 6.3;
/// The space between a label's line and its text.
pub(super) const SPACE: f64 = 4.0;
/// The space between two labels.
const BETWEEN: f64 = 4.0;

/// A label that wants to stand at a place; its text begins there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) text: String,
}

/// About how wide a text is.
pub(super) fn width(text: &str) -> f64 {
    super::scale::float(text.chars().count()) * CHARACTER
}

/// The lane of each label, 0 at the top; the labels are in the order of their places.
///
/// A line goes down from each label. So a label stands above every later one that its text would
/// reach: its own line is to the left of those texts, and theirs begin below it.
pub(super) fn lanes(labels: &[Label]) -> Vec<usize> {
    let mut heights: Vec<usize> = vec![0; labels.len()];
    for (number, label) in labels.iter().enumerate().rev() {
        let end = label.x + SPACE + width(&label.text) + BETWEEN;
        let later = labels.iter().zip(&heights).skip(number + 1);
        let reached = later.filter(|(other, _)| other.x < end);
        let height = reached.map(|(_, height)| height + 1).max().unwrap_or(0);
        if let Some(own) = heights.get_mut(number) {
            *own = height;
        }
    }
    let highest = heights.iter().copied().max().unwrap_or(0);
    heights.into_iter().map(|height| highest - height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(places: &[f64]) -> Vec<Label> {
        let label = |x: &f64| Label {
            x: *x,
            text: "ten wide..".to_owned(),
        };
        places.iter().map(label).collect()
    }

    #[test]
    fn labels_that_are_far_apart_share_a_lane_and_close_ones_are_stairs() {
        assert_eq!(lanes(&of(&[0.0, 200.0, 400.0])), [0, 0, 0]);
        assert_eq!(lanes(&of(&[0.0, 10.0, 20.0])), [0, 1, 2]);
        assert_eq!(lanes(&of(&[0.0, 10.0, 400.0])), [0, 1, 1]);
    }

    proptest! {
        #[test]
        fn no_text_meets_another_text_or_the_line_of_another(
            mut places in proptest::collection::vec(0.0..700.0_f64, 0..12),
            length in 1..30_usize,
        ) {
            places.sort_by(f64::total_cmp);
            let text = "x".repeat(length);
            let labels: Vec<Label> = places
                .iter()
                .map(|x| Label { x: *x, text: text.clone() })
                .collect();
            let lanes = lanes(&labels);
            for (label, lane) in labels.iter().zip(&lanes) {
                let reach = label.x + SPACE + width(&label.text);
                for (other, other_lane) in labels.iter().zip(&lanes) {
                    let line_inside = label.x < other.x && other.x < reach;
                    // The other's line begins in its lane and goes down.
                    prop_assert!(!line_inside || other_lane > lane);
                }
            }
        }
    }
}

//! "Did you mean": the known name that is nearest to a misspelt one.
//!
//! Compares and counts, changes nothing. Called by the checks of references.

use crate::spec::Name;

use super::context::listed;

/// How many known names a message lists.
const SHOWN: usize = 8;

/// How many known names are compared: a file full of mistakes must not take minutes.
const COMPARED: usize = 1000;

/// The known name that is nearest, where one is near enough to be meant.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a Name>,
) -> Option<&'a Name> {
    let written = written.to_lowercase();
    let enough = (written.chars().count() / 3).max(1);
    let near_length = |name: &&Name| name.as_str().len().abs_diff(written.len()) <= enough;
    known
        .into_iter()
        .take(COMPARED)
        .filter(near_length)
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&written, &name.as_str().to_lowercase());
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= enough)
        .min()
        .map(|(_, name)| name)
}

/// The known names in a sentence; none where nothing is known.
pub(super) fn known_names<'a>(known: impl IntoIterator<Item = &'a Name>) -> Option<String> {
    let names: Vec<&Name> = known.into_iter().collect();
    match names.len() {
        0 => None,
        1..=SHOWN => Some(listed(names)),
        count => {
            let more = count - SHOWN;
            let shown: Vec<_> = names
                .iter()
                .take(SHOWN)
                .map(|name| format!("`{name}`"))
                .collect();
            Some(format!("{} and {more} more", shown.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|name| Name::new_unchecked(name)).collect()
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_name_that_was_meant() {
        let known = names(&["web1", "web2", "database"]);
        assert_eq!(nearest("wbe1", &known), Some(&known[0]));
        assert_eq!(nearest("Databse", &known), Some(&known[2]));
    }

    #[test]
    fn a_name_of_something_else_suggests_nothing() {
        assert_eq!(nearest("mail", &names(&["web1", "web2"])), None);
    }

    #[test]
    fn a_long_list_is_cut_and_says_how_much_is_missing() {
        let many = names(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
        let shown = known_names(&many).unwrap();
        assert!(shown.ends_with("`h` and 2 more"), "{shown}");
        assert_eq!(known_names(&[]), None);
    }
}

//! "Did you mean": the nearest of the words that are known.

/// The known word that is nearest, where one is near enough to be meant.
pub(in crate::spec) fn nearest<'w>(
    word: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    if word.len() > 64 {
        return None;
    }
    let plain = simplified(word);
    let limit = match plain.chars().count() {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&plain, &simplified(known)),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= limit && *distance < known.chars().count())
        .min()
        .map(|(_, known)| known)
}

/// Case and word marks do not count: `realServers` means `real_servers`.
fn simplified(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// `a`, `b` and `c`, each in back-ticks.
pub(in crate::spec) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_two_letters_swapped_is_recognised() {
        assert_eq!(
            nearest("wieght", ["weight", "node", "port"]),
            Some("weight")
        );
        assert_eq!(nearest("wcl", ["rr", "wlc", "lc"]), Some("wlc"));
        assert_eq!(
            nearest("realServers", ["pool", "real_servers"]),
            Some("real_servers")
        );
    }

    #[test]
    fn a_word_that_is_near_to_none_has_no_suggestion() {
        assert_eq!(nearest("replicas", ["weight", "node", "port"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}

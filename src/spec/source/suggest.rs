//! "Did you mean": the nearest of the words that are known.

/// The known word that is nearest, where one is near enough to be meant.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > 64 {
        return None;
    }
    let plain = simplified(word);
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(meant) = elsewhere(&plain).filter(|meant| known.contains(meant)) {
        return known.into_iter().find(|known| *known == meant);
    }
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

/// What a word of ipvsadm, keepalived or another load balancer is called here.
fn elsewhere(plain: &str) -> Option<&'static str> {
    let word = match plain {
        "dr" | "droute" | "direct" | "gatewaying" | "g" => "direct_routing",
        "masq" | "masquerade" | "masquerading" | "m" => "nat",
        "tun" | "ipip" | "i" => "tunnel",
        "lbalgo" | "lvssched" | "algorithm" | "balance" => "scheduler",
        "lbkind" | "lvsmethod" | "method" => "forwarding",
        "persistencetimeout" | "persistent" | "sticky" => "persistence",
        "fwmark" => "firewall_mark",
        "ops" => "one_packet",
        "uthreshold" => "upper_threshold",
        "lthreshold" => "lower_threshold",
        "virtualipaddress" | "virtualaddress" => "addresses",
        "backends" | "servers" | "destinations" => "real_servers",
        "fallback" | "sorry" => "sorry_server",
        "ip" => "address",
        "dev" => "interface",
        _ => return None,
    };
    Some(word)
}

/// Case and word marks do not count: `realServers` means `real_servers`.
fn simplified(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// `a`, `b` and `c`, each in back-ticks.
pub(crate) fn listed(words: &[&str]) -> String {
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
    fn words_of_other_load_balancers_are_recognised() {
        let forwarding = ["nat", "direct_routing", "tunnel"];
        assert_eq!(nearest("DR", forwarding), Some("direct_routing"));
        assert_eq!(nearest("masq", forwarding), Some("nat"));
        assert_eq!(nearest("lb_algo", ["scheduler", "vip"]), Some("scheduler"));
        assert_eq!(nearest("lb_algo", ["vip"]), None);
    }

    #[test]
    fn a_word_that_is_near_to_none_has_no_suggestion() {
        assert_eq!(nearest("replicas", ["weight", "node", "port"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}

//! Rulesets as the `nft` program lists them, and the difference of two as elements to change.

use std::collections::{BTreeMap, BTreeSet};

/// The elements of each set of a listed table, by the set's name.
fn elements(listed: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<_, BTreeSet<String>>::new();
    let (mut name, mut inside) = (String::new(), false);
    for line in listed.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("set ").or(line.strip_prefix("map ")) {
            rest.trim_end_matches(" {").clone_into(&mut name);
        }
        let begins = line.strip_prefix("elements = {");
        inside |= begins.is_some();
        if inside {
            let part = begins.unwrap_or(line);
            let ends = part.ends_with('}');
            let each = part.trim_end_matches('}').split(',').map(str::trim);
            let known = all.entry(name.clone()).or_default();
            known.extend(each.filter(|one| !one.is_empty()).map(str::to_owned));
            inside = !ends;
        }
    }
    all
}

/// The listed ruleset without its rules. `nft` 1.0.6 does not read back how it lists them; they are
/// few, and what it is spared is to its advantage.
pub(crate) fn without_rules(listed: &str) -> String {
    let mut inside = false;
    let mut text = String::with_capacity(listed.len());
    for line in listed.lines() {
        let word = line.trim_start();
        inside |= word.starts_with("chain ");
        let is_rule = inside
            && !["chain ", "type ", "}"]
                .iter()
                .any(|it| word.starts_with(it));
        if !is_rule {
            text.push_str(line);
            text.push('\n');
        }
        inside &= word != "}";
    }
    text
}

/// What `nft -f` has to be given to make `after` out of `before`, where only elements differ.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let (before, after) = (elements(before), elements(after));
    let mut text = String::new();
    for (name, old) in &before {
        let new = after.get(name).cloned().unwrap_or_default();
        text += &command("delete", name, old.difference(&new).map(|one| key(one)));
        text += &command("add", name, new.difference(old).map(String::as_str));
    }
    text
}

fn command<'a>(verb: &str, name: &str, elements: impl Iterator<Item = &'a str>) -> String {
    let list: Vec<&str> = elements.collect();
    if list.is_empty() {
        return String::new();
    }
    format!(
        "{verb} element inet farmctl {name} {{ {} }}\n",
        list.join(", ")
    )
}

/// An element without its data, counter and comment.
fn key(element: &str) -> &str {
    let ends = [" : ", " counter", " comment"].map(|mark| element.find(mark));
    let end = ends.into_iter().flatten().min().unwrap_or(element.len());
    &element[..end]
}

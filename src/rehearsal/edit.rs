//! Another weight in the text of a farm.yaml, as a person would write it there.
//!
//! Pure: a text in, a text out, everything else in it untouched. The result is read again; a text
//! that cannot be edited this way is refused. Called by the stage.

use crate::spec::{
    EffectiveService, Farm, Path, Place, RealServer, SourceText, read, real_server_name,
    written_real_servers,
};

/// Why a weight cannot be written into a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file in force has no such service or real server.
    #[error("{name} has no real server {server} in a service {service}")]
    Unknown {
        /// The file.
        name: String,
        /// The service.
        service: String,
        /// The real server.
        server: String,
    },
    /// The place cannot be edited by itself: an alias, or defaults in an unusual form.
    #[error(
        "the weight of {server} can't be written into {name} by itself; write the edited file and \
         `apply` it instead"
    )]
    Unwritable {
        /// The file.
        name: String,
        /// The real server.
        server: String,
    },
}

/// The text with the weight of one real server of a service changed. Where the service uses a
/// pool, that is the pool's entry.
pub fn weight(
    name: &str,
    text: &str,
    service: &str,
    server: &str,
    weight: u32,
) -> Result<String, Error> {
    let reading = read(name, text.as_bytes());
    let known = reading
        .value
        .as_ref()
        .and_then(|farm| entry(farm, service, server));
    let Some((path, written)) = known else {
        return Err(Error::Unknown {
            name: name.to_owned(),
            service: service.to_owned(),
            server: server.to_owned(),
        });
    };
    let mut edits = edits(&reading.source, &path, &written, weight).into_iter();
    let fits = |edited: &String| weight_in(edited, service, server) == Some(weight);
    edits.find(fits).ok_or_else(|| Error::Unwritable {
        name: name.to_owned(),
        server: server.to_owned(),
    })
}

/// Where a real server of a service is written.
fn entry(farm: &Farm, service: &str, server: &str) -> Option<(Path, RealServer)> {
    let (name, known) = farm
        .services
        .iter()
        .find(|(name, _)| name.as_str() == service)?;
    let pool = known
        .pool
        .as_ref()
        .filter(|_| known.real_servers.is_empty());
    let root = match pool {
        Some(pool) => Path::root().key("pools").key(pool),
        None => Path::root().key("services").key(name),
    };
    let mut servers = written_real_servers(farm, known).iter().enumerate();
    let (index, written) = servers.find(|(_, one)| real_server_name(one) == server)?;
    Some((root.key("real_servers").index(index), written.clone()))
}

/// The texts that may be meant, the likeliest first.
fn edits(source: &SourceText, path: &Path, written: &RealServer, weight: u32) -> Vec<String> {
    let text = source.text();
    if written.weight.is_some() {
        let range = source.locate(&Place::Value(path.key("weight")));
        return vec![spliced(text, range, &weight.to_string())];
    }
    let first = ["name", "node", "address"].map(|key| {
        let range = source.locate(&Place::Key(path.key(key)));
        text.get(range.clone())
            .is_some_and(|found| found.trim_matches('"') == key)
            .then_some(range.start)
    });
    let starts = first.into_iter().flatten();
    starts
        .flat_map(|start| {
            let line = text
                .get(..start)
                .and_then(|before| before.rfind('\n'))
                .map_or(0, |at| at + 1);
            let indent = " ".repeat(start - line);
            [
                format!("weight: {weight}, "),
                format!("weight: {weight}\n{indent}"),
            ]
            .map(|insert| spliced(text, start..start, &insert))
        })
        .collect()
}

fn spliced(text: &str, range: std::ops::Range<usize>, with: &str) -> String {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    [before.unwrap_or(text), with, after.unwrap_or_default()].concat()
}

/// The weight that a text gives a real server; none where the text is wrong.
fn weight_in(text: &str, service: &str, server: &str) -> Option<u32> {
    let reading = read("edited", text.as_bytes());
    let farm = reading.value.filter(|_| reading.problems.is_empty())?;
    let (_, known) = farm
        .services
        .iter()
        .find(|(name, _)| name.as_str() == service)?;
    let effective = EffectiveService::of(&farm, known);
    let mut servers = effective.real_servers.into_iter();
    servers.find(|one| one.name == server).map(|one| one.weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version: 1\nnodes: { web1: { address: 10.0.0.21 } }\n\
        vips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }\n";

    fn edited(rest: &str) -> Result<String, Error> {
        let text = format!("{HEAD}{rest}");
        let edited = weight("farm.yaml", &text, "http", "web1", 7)?;
        Ok(edited.strip_prefix(HEAD).unwrap().to_owned())
    }

    #[test]
    fn a_weight_that_is_written_is_replaced() {
        let rest = "services:\n  http:\n    vip: www\n    port: 80\n    real_servers:\n      \
            - { node: web1, weight: 12 } # heavy\n";
        assert_eq!(edited(rest).unwrap(), rest.replace("12", "7"));
    }

    #[test]
    fn a_weight_that_is_not_written_is_added() {
        let flow = "services: { http: { vip: www, port: 80, real_servers: [{ node: web1 }] } }\n";
        assert_eq!(
            edited(flow).unwrap(),
            flow.replace("node:", "weight: 7, node:")
        );
        let block = "services:\n  http:\n    vip: www\n    port: 80\n    real_servers:\n      \
            - node: web1\n        port: 8080\n";
        let expected = block.replace("- node:", "- weight: 7\n        node:");
        assert_eq!(edited(block).unwrap(), expected);
    }

    #[test]
    fn the_entry_of_a_pool_counts_as_the_services() {
        let rest = "pools: { web: { real_servers: [{ node: web1, weight: 1 }] } }\n\
            services: { http: { vip: www, port: 80, pool: web } }\n";
        assert_eq!(
            edited(rest).unwrap(),
            rest.replace("weight: 1", "weight: 7")
        );
    }

    #[test]
    fn an_alias_is_refused() {
        let rest = "x-weight: &heavy 3\n\
            services: { http: { vip: www, port: 80, real_servers: [{ node: web1, weight: *heavy }] } }\n";
        // The alias is replaced by the number: what it named stays as it is.
        assert_eq!(edited(rest).unwrap(), rest.replace("*heavy", "7"));
        let whole = "x-server: &web { node: web1 }\n\
            services: { http: { vip: www, port: 80, real_servers: [*web] } }\n";
        assert!(matches!(edited(whole), Err(Error::Unwritable { .. })));
    }

    #[test]
    fn an_unknown_server_is_told() {
        let error = weight("farm.yaml", HEAD, "http", "web9", 1).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no real server web9 in a service http"),
            "{error}"
        );
    }
}

//! The comments beside services and destinations and at the tables: all that farmctl must know of
//! them beside the elements that packets meet, in words that an operator reads in `nft list`.
//!
//! `wrr exact`, `mh fallback port persistence 300 s mask 255.255.255.0`, `weight 3 nat`. Reading is
//! the exact inverse of writing and refuses everything else; no text makes it panic. Pure.

use crate::state::{
    ClientMask, Destination, Forwarding, Persistence, SchedulerFlags, ServiceAttributes,
};

/// The layout of the tables; another number is another farmctl's.
const LAYOUT: u32 = 1;

/// The flags that have a word.
const FLAGS: [(SchedulerFlags, &str); 3] = [
    (SchedulerFlags::FALLBACK, "fallback"),
    (SchedulerFlags::PORT, "port"),
    (SchedulerFlags::EXACT, "exact"),
];

/// The comment of both tables.
pub(super) fn table(seed: u32) -> String {
    format!("farmctl layout {LAYOUT} seed {seed}")
}

/// The seed in the comment of a table; none where the comment is not of this layout.
pub(super) fn read_table(comment: &str) -> Option<u32> {
    let seed = comment.rsplit_once(' ')?.1.parse().ok()?;
    (table(seed) == comment).then_some(seed)
}

/// The comment of a service.
pub(super) fn service(attributes: &ServiceAttributes) -> String {
    let mut words = attributes.scheduler.clone();
    for (flag, word) in FLAGS {
        if attributes.scheduler_flags.contains(flag) {
            words.push(' ');
            words.push_str(word);
        }
    }
    if let Some(persistence) = &attributes.persistence {
        words.push_str(&format!(" persistence {persistence}"));
    }
    words
}

/// The attributes in the comment of a service.
pub(super) fn read_service(comment: &str) -> Option<ServiceAttributes> {
    let mut words = comment.split(' ');
    let scheduler = words.next()?.to_owned();
    let mut flags = SchedulerFlags::default();
    let mut persistence = None;
    while let Some(word) = words.next() {
        if word == "persistence" {
            persistence = Some(read_persistence(&mut words)?);
        } else {
            flags = flags.with(FLAGS.iter().find(|(_, known)| *known == word)?.0);
        }
    }
    let attributes = ServiceAttributes {
        scheduler,
        scheduler_flags: flags,
        persistence,
        one_packet: false,
    };
    (service(&attributes) == comment).then_some(attributes)
}

/// `300 s mask 255.255.255.0`, as [`Persistence`] prints itself.
fn read_persistence<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Persistence> {
    let timeout = words.next()?.parse().ok()?;
    if (words.next()?, words.next()?) != ("s", "mask") {
        return None;
    }
    let mask = words.next()?;
    let mask = match mask.strip_prefix('/') {
        Some(length) => ClientMask::V6(length.parse().ok()?),
        None => ClientMask::V4(mask.parse().ok()?),
    };
    Some(Persistence {
        timeout,
        mask,
        engine: None,
    })
}

/// The comment of a destination.
pub(super) fn destination(destination: &Destination) -> String {
    format!("weight {} {}", destination.weight, destination.forwarding)
}

/// The destination in a comment.
pub(super) fn read_destination(comment: &str) -> Option<Destination> {
    let (weight, forwarding) = comment.strip_prefix("weight ")?.split_once(' ')?;
    let known = [
        Forwarding::Masquerade,
        Forwarding::FullNat,
        Forwarding::Route,
    ];
    let read = Destination {
        forwarding: known.into_iter().find(|it| it.to_string() == forwarding)?,
        weight: weight.parse().ok()?,
        upper_threshold: 0,
        lower_threshold: 0,
    };
    (destination(&read) == comment).then_some(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attributes() -> impl Strategy<Value = ServiceAttributes> {
        let mask = prop_oneof![
            any::<u32>().prop_map(|bits| ClientMask::V4(bits.into())),
            (1..=128_u8).prop_map(ClientMask::V6)
        ];
        let persistence = (any::<u32>(), mask).prop_map(|(timeout, mask)| Persistence {
            timeout,
            mask,
            engine: None,
        });
        let flags = prop::sample::subsequence(&FLAGS[..], 0..=3);
        ("[a-z]{1,8}", flags, prop::option::of(persistence)).prop_map(
            |(scheduler, flags, persistence)| ServiceAttributes {
                scheduler,
                scheduler_flags: flags
                    .into_iter()
                    .fold(SchedulerFlags::default(), |all, (flag, _)| all.with(flag)),
                persistence,
                one_packet: false,
            },
        )
    }

    proptest! {
        #[test]
        fn a_services_comment_reads_as_what_was_written(attributes in attributes()) {
            let comment = service(&attributes);
            prop_assert!(comment.len() <= 127, "{}", comment);
            prop_assert_eq!(read_service(&comment), Some(attributes));
        }

        #[test]
        fn a_destinations_comment_reads_as_what_was_written(weight: u32, kind in 0..3_usize) {
            let forwarding = [Forwarding::Masquerade, Forwarding::FullNat, Forwarding::Route][kind];
            let written = Destination { forwarding, weight, upper_threshold: 0, lower_threshold: 0 };
            prop_assert_eq!(read_destination(&destination(&written)), Some(written));
        }

        #[test]
        fn no_text_makes_reading_panic_or_reads_as_something_that_is_written_otherwise(
            text in r"(weight |farmctl layout 1 seed |wrr|persistence|[0-9]+| |s|mask|/|\PC){0,12}",
        ) {
            if let Some(read) = read_service(&text) {
                prop_assert_eq!(service(&read), text.clone());
            }
            if let Some(read) = read_destination(&text) {
                prop_assert_eq!(destination(&read), text.clone());
            }
            if let Some(seed) = read_table(&text) {
                prop_assert_eq!(table(seed), text);
            }
        }
    }

    #[test]
    fn an_operator_reads_the_words_of_the_file() {
        let read = read_service("mh fallback port persistence 300 s mask 255.255.255.0").unwrap();
        assert_eq!(read.scheduler, "mh");
        assert_eq!(read.persistence.unwrap().timeout, 300);
        let read = read_destination("weight 3 nat masquerade").unwrap();
        assert_eq!((read.weight, read.forwarding), (3, Forwarding::FullNat));
    }

    #[test]
    fn the_seed_of_another_layout_is_not_read() {
        assert_eq!(read_table("farmctl layout 1 seed 7"), Some(7));
        assert_eq!(read_table("farmctl layout 2 seed 7"), None);
        assert_eq!(read_table("farmctl layout 1 seed 007"), None);
    }
}

//! Reads the `.hex` files of `tests/golden/`.

use std::path::Path;

use farmctl::netlink::message::{Message, messages};

/// A datagram and who sent it.
pub(crate) type Datagram = (Direction, Vec<u8>);

/// The number that the recording kernel had given to the family IPVS.
pub(crate) const IPVS: u16 = 0x16;

/// Who said it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

/// The datagrams of a recording.
pub(crate) fn recording(name: &str) -> Vec<Datagram> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"));
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines().filter_map(datagram).collect()
}

fn datagram(line: &str) -> Option<Datagram> {
    let (direction, hex) = match line.split_at_checked(2)? {
        ("> ", hex) => (Direction::Sent, hex),
        ("< ", hex) => (Direction::Received, hex),
        _ => return None,
    };
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    Some((direction, bytes.collect()))
}

pub(crate) fn all_recordings() -> Vec<(String, Vec<Datagram>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".hex")
                .map(Into::into)
        })
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| (name.clone(), recording(&name)))
        .collect()
}

pub(crate) fn each_message(name: &str, direction: Direction, mut each: impl FnMut(Message<'_>)) {
    for (found, bytes) in recording(name) {
        if found == direction {
            messages(&bytes).for_each(|message| each(message.unwrap()));
        }
    }
}

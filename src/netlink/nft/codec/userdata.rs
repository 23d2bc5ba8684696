//! Comments, as the programs that print nftables keep them beside tables, rules and elements: bytes
//! that the kernel stores and never reads. Each entry is a type, a length and a value; type 0 is the
//! comment, a text with a NUL.

use crate::netlink::attribute::{Attribute, Writer};

const COMMENT: u8 = 0;
/// The longest comment, bytes: what fits beside its NUL into the 128 bytes that `nft` allows.
const LONGEST: usize = 127;

/// Appends a comment, if there is one.
pub(super) fn write(writer: &mut Writer, kind: u16, comment: Option<&str>) {
    let Some(comment) = comment else {
        return;
    };
    let end = (0..=comment.len().min(LONGEST)).rfind(|&end| comment.is_char_boundary(end));
    let text = &comment.as_bytes()[..end.unwrap_or(0)];
    let length = u8::try_from(text.len() + 1).unwrap_or(u8::MAX);
    writer.compose(kind, |value| {
        value.raw(&[COMMENT, length]);
        value.raw(text);
        value.raw(&[0]);
    });
}

/// The comment in these user data; none where there is none.
pub(super) fn read(attribute: Attribute<'_>) -> Option<String> {
    let mut rest = attribute.value;
    while let [kind, length, more @ ..] = rest {
        let (value, next) = more.split_at_checked(usize::from(*length))?;
        if *kind == COMMENT {
            let end = value.iter().position(|&byte| byte == 0);
            let text = &value[..end.unwrap_or(value.len())];
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        rest = next;
    }
    None
}

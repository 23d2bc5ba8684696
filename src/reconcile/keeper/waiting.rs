//! Which wish is worked on when several wait. Pure.

use super::Wish;
use crate::reconcile::FileNews;

/// The newer of two wishes, where the older one was not worked on. A file that is new stays new
/// until it was: what bends it may change meanwhile.
pub(super) fn merge(older: Option<Wish>, mut newer: Wish) -> Wish {
    if let Some(older) = older
        && older.file == FileNews::New
        && newer.file == FileNews::Same
        && older.text == newer.text
    {
        newer.file = FileNews::New;
        newer.shrink = older.shrink;
        newer.adopt = older.adopt;
        newer.confirm = older.confirm;
    }
    newer
}

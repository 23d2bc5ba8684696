//! What clients feel: connections and downloads that live through a change.

use super::Site;
use crate::bed::{Answer, Connection, Download, Family};

/// Long enough for any test; the rest comes at once when the test is over.
const KILOBYTES: usize = 4000;

/// Keep-alive connections to each real server and a download, of both families.
pub(super) struct Live {
    kept: Vec<(Connection, Answer)>,
    downloads: Vec<Download>,
}

impl Live {
    /// Opens so many connections of each family, and one download of each.
    pub(super) fn start(site: &Site, connections: usize) -> Self {
        let mut live = Self {
            kept: Vec::new(),
            downloads: Vec::new(),
        };
        for family in Family::BOTH {
            let to = site.service(family);
            for _ in 0..connections {
                let mut connection = site.farm.client.connect(to).unwrap();
                let answer = connection.get().unwrap();
                live.kept.push((connection, answer));
            }
            let download = site.farm.client.download(to, KILOBYTES).unwrap();
            live.downloads.push(download);
        }
        live
    }

    /// Every connection still reaches the same server from the same port, and every download goes
    /// on.
    #[track_caller]
    pub(super) fn is_whole(&mut self) {
        for (connection, before) in &mut self.kept {
            let now = connection
                .get()
                .unwrap_or_else(|error| panic!("{before:?}: {error}"));
            assert_eq!(now, *before);
        }
        self.downloads.iter_mut().for_each(Download::wait_for_more);
    }

    /// Takes the connections to a server away from what is watched.
    pub(super) fn part_with(&mut self, server: &str) -> Vec<Connection> {
        let all = std::mem::take(&mut self.kept);
        let (theirs, others) = all
            .into_iter()
            .partition(|(_, answer)| answer.server == server);
        self.kept = others;
        let theirs: Vec<(Connection, Answer)> = theirs;
        theirs
            .into_iter()
            .map(|(connection, _)| connection)
            .collect()
    }

    /// Everything is whole to the end.
    #[track_caller]
    pub(super) fn finish(mut self) {
        self.is_whole();
        for download in self.downloads {
            assert_eq!(download.finish().unwrap(), KILOBYTES);
        }
    }
}

//! Whether a revision is signed as its source asks for.

use super::program::Git;
use super::{Error, LOCAL, short};
use crate::spec::{GitSource, Trust};

/// Who signed, where a signature is asked for. A tag that is signed stands for its commit.
pub(super) async fn verify(
    git: &Git<'_>,
    source: &GitSource,
    fetched: &str,
    id: &str,
) -> Result<Option<String>, Error> {
    let trust = source.trust();
    if matches!(trust, Trust::WithoutPrograms | Trust::Anybody) {
        return Ok(None);
    }
    let kind = git.line("cat-file", &["cat-file", "-t", fetched]).await?;
    let verb = if kind == "tag" {
        "verify-tag"
    } else {
        "verify-commit"
    };
    let object = if kind == "tag" { fetched } else { id };
    let output = git
        .try_run("verify", LOCAL, &[verb, "--raw", object])
        .await?;
    let said = String::from_utf8_lossy(&output.stderr);
    let signer = match trust {
        Trust::Ssh(_) => ssh_signer(&said),
        Trust::Gpg(_) => gpg_signer(&said),
        Trust::WithoutPrograms | Trust::Anybody => None,
    };
    match signer {
        Some(signer) if output.status.success() => Ok(Some(signer)),
        _ => Err(Error::Untrusted {
            commit: short(id).to_owned(),
            reason: reason(&said),
        }),
    }
}

/// `Good "git" signature for alice@example.org with ED25519 key SHA256:…` (ssh-keygen(1)).
fn ssh_signer(said: &str) -> Option<String> {
    let line = said
        .lines()
        .find(|line| line.starts_with("Good \"git\" signature for "))?;
    let rest = line.strip_prefix("Good \"git\" signature for ")?;
    let (signer, _) = rest.split_once(" with ")?;
    Some(signer.to_owned())
}

/// `[GNUPG:] GOODSIG KEY NAME`, never together with a line that takes it back (gpg's
/// doc/DETAILS).
fn gpg_signer(said: &str) -> Option<String> {
    const BAD: [&str; 5] = ["BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"];
    let words = |line: &str| {
        let line = line.strip_prefix("[GNUPG:] ")?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some((word.to_owned(), rest.to_owned()))
    };
    let lines: Vec<(String, String)> = said.lines().filter_map(words).collect();
    if lines.iter().any(|(word, _)| BAD.contains(&word.as_str())) {
        return None;
    }
    let (_, rest) = lines.iter().find(|(word, _)| word == "GOODSIG")?;
    let (_, name) = rest.split_once(' ')?;
    Some(name.to_owned())
}

fn reason(said: &str) -> String {
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    match lines.next_back() {
        Some(line) => line.trim().to_owned(),
        None => "it is not signed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signer_of_an_ssh_signature_is_who_the_allowed_signers_name() {
        let said = "Good \"git\" signature for alice@example.org with ED25519 key SHA256:abc\n";
        assert_eq!(ssh_signer(said).as_deref(), Some("alice@example.org"));
        let nobody = "Good \"git\" signature with ED25519 key SHA256:abc\nNo principal matched.\n";
        assert_eq!(ssh_signer(nobody), None);
    }

    #[test]
    fn a_gpg_signature_that_is_good_and_taken_back_is_none() {
        let good =
            "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 4711 Alice <a@example.org>\n[GNUPG:] VALIDSIG 1\n";
        assert_eq!(gpg_signer(good).as_deref(), Some("Alice <a@example.org>"));
        for bad in ["EXPKEYSIG", "REVKEYSIG", "BADSIG"] {
            let said = format!("{good}[GNUPG:] {bad} 4711 Alice\n");
            assert_eq!(gpg_signer(&said), None);
        }
        assert_eq!(gpg_signer(""), None);
    }
}

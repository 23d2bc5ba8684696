//! The addresses that the API is served at.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, io::ErrorKind};

use thiserror::Error;

/// Why the API can't be served there.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another daemon answers at the socket.
    #[error(
        "a daemon answers at {} already. Stop it, or give this one another socket with --socket",
        path.display()
    )]
    Answered {
        /// The socket.
        path: PathBuf,
    },
    /// The path is taken by something that is no socket.
    #[error(
        "{} is there and is no socket; nothing was removed. Give another path with --socket",
        path.display()
    )]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system does not let it.
    #[error("the API can't be served at {place}: {source}")]
    Io {
        /// The path or address.
        place: String,
        /// The system's error.
        source: io::Error,
    },
}

/// Serves a unix socket: readable and writable for its owner and group (0660). Its directory is
/// made where it is missing. A socket that a dead daemon left is removed; one where somebody
/// answers never is.
pub fn bind_unix(path: &Path) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io {
        place: path.display().to_string(),
        source,
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    clear(path)?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Removes a socket at which nobody answers.
fn clear(path: &Path) -> Result<(), BindError> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(there) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !there.file_type().is_socket() {
        return Err(BindError::NoSocket { path: path.into() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        // Somebody is there, also where its queue is full or we may not speak to it.
        _ => return Err(BindError::Answered { path: path.into() }),
    }
    fs::remove_file(path).map_err(|source| BindError::Io {
        place: path.display().to_string(),
        source,
    })
}

/// Serves a TCP address.
pub fn bind_tcp(address: SocketAddr) -> Result<TcpListener, BindError> {
    let failed = |source| BindError::Io {
        place: address.to_string(),
        source,
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

//! Files that are written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

/// Writes a file in the place of another: whole, on disk, with the mode that it had. A new one may be read by its owner
/// only. A link is followed.
///
/// # Errors
/// When the place is not fit for it ([`place`]), or it could not be written. What was there is as it was then.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    let path = place(path)?;
    let folder = folder(&path);
    // The temporary file has a name that no second program uses, and only its owner may read it.
    let mut half = tempfile::NamedTempFile::new_in(folder)?;
    if let Ok(about) = fs::metadata(&path) {
        half.as_file().set_permissions(about.permissions())?;
    }
    let mut file = BufWriter::with_capacity(1 << 16, half.as_file_mut());
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    half.as_file().sync_all()?;
    half.persist(&path).map_err(|error| error.error)?;
    sync_directory(folder)
}

/// The first bytes of a file, at most so many; unpacked where it is a gzip file. They tell what kind of file it is.
///
/// # Errors
/// When it cannot be read, or is a damaged gzip file.
pub fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut bytes)?;
    let file = File::open(path)?;
    let packed = breakglass_model::text::is_gzip(&bytes);
    bytes.clear();
    if packed {
        MultiGzDecoder::new(file)
            .take(most)
            .read_to_end(&mut bytes)?;
    } else {
        file.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Where a file of this name really lies, when one may be put there: links are followed.
///
/// # Errors
/// When something else lies there (a directory, a device, a pipe, a link to nothing), or its directory is missing: the
/// name of a device must not become a file.
pub fn place(path: &Path) -> io::Result<PathBuf> {
    let wrong = |kind: io::ErrorKind, text: &str| Err(io::Error::new(kind, text.to_owned()));
    let is_link = fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => wrong(io::ErrorKind::IsADirectory, "it is a directory"),
        Ok(about) if !about.is_file() => wrong(
            io::ErrorKind::InvalidInput,
            "it is a device or a pipe, not a file",
        ),
        Ok(_) => fs::canonicalize(path),
        Err(_) if is_link => wrong(
            io::ErrorKind::InvalidInput,
            "it is a link to something that is not there",
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::metadata(folder(path)) {
            Ok(about) if about.is_dir() => Ok(path.to_path_buf()),
            _ => wrong(io::ErrorKind::NotFound, "its directory is not there"),
        },
        Err(error) => Err(error),
    }
}

/// The directory that a file lies in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Puts on disk that a name was added or changed.
#[cfg(unix)]
pub(crate) fn sync_directory(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        io::Write as _,
        os::unix::{fs::PermissionsExt as _, fs::symlink, net::UnixListener},
    };

    use super::*;

    fn put(path: &Path, text: &str) -> io::Result<()> {
        replace(path, |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn r2_a_file_keeps_its_mode_a_new_one_is_private_and_a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("register.toml");
        put(&path, "one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        put(&link, "two").unwrap();
        assert_eq!(
            (mode(&path), fs::read(&path).unwrap()),
            (0o640, b"two".to_vec())
        );
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn r2_what_is_no_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(of("socket")).unwrap();
        symlink(of("nothing"), of("link")).unwrap();
        symlink("/dev/null", of("device")).unwrap();
        fs::create_dir(of("folder")).unwrap();
        for (name, why) in [
            ("socket", "a device or a pipe"),
            ("device", "a device or a pipe"),
            ("link", "a link to something"),
            ("folder", "a directory"),
            ("missing/file", "its directory is not there"),
            ("socket/file", "directory"),
        ] {
            let error = put(&of(name), "x").unwrap_err().to_string();
            assert!(error.to_lowercase().contains(why), "{name}: {error}");
        }
        assert!(of("link").is_symlink() && of("device").is_symlink());
    }

    #[test]
    fn r2_a_write_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        put(&path, "one").unwrap();
        replace(&path, |_| Err(io::Error::other("full"))).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! The VFS itself: SQLite's default one with a recorder in between.
//!
//! An open file of ours is a [`ShimFile`] with the default VFS's own open file directly behind it, in the one piece of memory that SQLite gives
//! (`szOsFile`). Every method hands on to the one below; write, truncate, sync, open and delete ask the [`Surface`] of a disk before and tell it afterwards.
//! Locks and shared memory are handed on untouched. Memory-mapped reading is not offered (`iVersion` 2).
#![expect(clippy::missing_safety_doc, reason = "SQLite alone calls the methods, by the contract of `sqlite3_vfs` and `sqlite3_io_methods`")]

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::ffi;
use rusqlite::ffi::{sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::disk::Surface;
use crate::record::FileId;

/// What a registered VFS carries (`pAppData`).
struct Shim {
    disk: Arc<Surface>,
    below: *mut sqlite3_vfs,
}

/// The head of an open file; the file of the VFS below follows it.
#[repr(C)]
struct ShimFile {
    base: sqlite3_file,
    shim: &'static Shim,
    /// None for what is not in the folder: temporary files.
    file: Option<FileId>,
}

/// Adds a VFS over the default one. It is never removed, so that everything it points to may be leaked.
pub(crate) fn register(disk: Arc<Surface>) -> io::Result<()> {
    let name = CString::new(disk.name())?.into_raw();
    // SAFETY: asks for the default VFS; SQLite initialises itself for that. The answer stays valid for the whole process.
    let below = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: it is null or a valid VFS, which is `Copy`.
    let default = *unsafe { below.as_ref() }.ok_or_else(|| io::Error::other("SQLite has no default VFS"))?;
    let head = c_int::try_from(size_of::<ShimFile>()).map_err(io::Error::other)?;
    let shim: &'static mut Shim = Box::leak(Box::new(Shim { disk, below }));
    // All else is taken over: of the methods in `os_unix.c` only `unixOpen` looks at the VFS that it is called for.
    let vfs = sqlite3_vfs {
        szOsFile: head + default.szOsFile,
        pNext: std::ptr::null_mut(),
        zName: name,
        pAppData: std::ptr::from_mut(shim).cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        ..default
    };
    // SAFETY: the VFS and all that it points to are leaked and so outlive every use; SQLite guards its list with its own mutex.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(io::Error::other(format!("the VFS was refused: {code}"))) }
}

/// Ours, with what it carries.
///
/// # Safety
/// `vfs` is one that [`register`] made.
unsafe fn shim(vfs: *mut sqlite3_vfs) -> &'static Shim {
    // SAFETY: `register` put a leaked `Shim` there, which nobody changes.
    unsafe { &*(*vfs).pAppData.cast::<Shim>() }
}

/// The head of one of our open files.
///
/// # Safety
/// `file` is one that [`open`] opened; it is not closed while the head is used.
unsafe fn head<'a>(file: *mut sqlite3_file) -> &'a ShimFile {
    // SAFETY: `open` wrote a `ShimFile` there before it gave the file any methods.
    unsafe { &*file.cast::<ShimFile>() }
}

/// The file of the VFS below.
///
/// # Safety
/// `file` has the room of `szOsFile`.
unsafe fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the room goes on behind the head for as long as the VFS below wants, and a head's size keeps the alignment of a pointer.
    unsafe { file.cast::<ShimFile>().add(1).cast() }
}

/// The methods of the file below.
///
/// # Safety
/// `file` is one that [`open`] opened.
unsafe fn methods<'a>(file: *mut sqlite3_file) -> &'a sqlite3_io_methods {
    // SAFETY: a file that was opened has methods, and they are static.
    unsafe { &*(*below(file)).pMethods }
}

/// The last part of a path given by SQLite; `None` for a temporary file, which has no name.
///
/// # Safety
/// `name` is null or a string that ends with zero and outlives the answer.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: as demanded above.
    (!name.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with the VFS that was registered, room of `szOsFile`, and a name as `path` wants it; `below` is the default VFS,
    // which gets its own room and the very name that SQLite made (the query parameters stand behind it).
    unsafe {
        let shim = shim(vfs);
        (*file).pMethods = std::ptr::null();
        let path = path(name);
        let mut flags = flags;
        if shim.disk.is_read_only() && path.is_some() {
            flags &= !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE);
            flags |= ffi::SQLITE_OPEN_READONLY;
        }
        let Some(open) = (*shim.below).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = open(shim.below, name, below(file), flags, out);
        if code == ffi::SQLITE_OK {
            let base = sqlite3_file { pMethods: &raw const METHODS };
            file.cast::<ShimFile>().write(ShimFile { base, shim, file: path.and_then(|path| shim.disk.opened(path)) });
        }
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite calls with the VFS that was registered; the name goes on as it is.
    unsafe {
        let shim = shim(vfs);
        if shim.disk.is_read_only() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        (*shim.below).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(shim.below, name, sync_folder))
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once and uses it no more; nothing in the head needs to be dropped.
    unsafe { methods(file).xClose.map_or(ffi::SQLITE_IOERR, |close| close(below(file))) }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, bytes: *const c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite calls with an open file and `amount` readable bytes.
    unsafe {
        let ShimFile { shim, file: id, .. } = head(file);
        if id.is_some() && shim.disk.is_read_only() {
            return ffi::SQLITE_IOERR_WRITE;
        }
        if id.is_some() && shim.disk.is_full() {
            return ffi::SQLITE_FULL;
        }
        let code = methods(file).xWrite.map_or(ffi::SQLITE_IOERR_WRITE, |write| write(below(file), bytes, amount, offset));
        if let (Some(id), ffi::SQLITE_OK) = (id, code) {
            let written = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(amount).unwrap_or(0));
            shim.disk.wrote(*id, u64::try_from(offset).unwrap_or(0), written.to_vec());
        }
        code
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite calls with an open file.
    unsafe {
        let ShimFile { shim, file: id, .. } = head(file);
        if id.is_some() && shim.disk.is_read_only() {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        let code = methods(file).xTruncate.map_or(ffi::SQLITE_IOERR_TRUNCATE, |truncate| truncate(below(file), length));
        if let (Some(id), ffi::SQLITE_OK) = (id, code) {
            shim.disk.truncated(*id, u64::try_from(length).unwrap_or(0));
        }
        code
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    unsafe {
        let ShimFile { shim, file: id, .. } = head(file);
        let fails = id.is_some() && shim.disk.sync_fails();
        let code = if fails {
            ffi::SQLITE_IOERR_FSYNC
        } else {
            methods(file).xSync.map_or(ffi::SQLITE_IOERR_FSYNC, |sync| sync(below(file), flags))
        };
        if let Some(id) = id {
            shim.disk.synced(*id, code != ffi::SQLITE_OK);
        }
        code
    }
}

unsafe extern "C" fn characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite calls with an open file.
    unsafe {
        let found = methods(file).xDeviceCharacteristics.map_or(0, |ask| ask(below(file)));
        if head(file).shim.disk.is_powersafe() { found } else { found & !ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE }
    }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: SQLite calls with an open file.
    unsafe {
        if let Some(barrier) = methods(file).xShmBarrier {
            barrier(below(file));
        }
    }
}

/// Methods that only hand on.
macro_rules! hand_on {
    ($($name:ident => $method:ident($($argument:ident: $kind:ty),*), else $otherwise:expr;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $kind),*) -> c_int {
            // SAFETY: SQLite calls with an open file; the arguments go on as they are.
            unsafe { methods(file).$method.map_or($otherwise, |method| method(below(file), $($argument),*)) }
        }
    )*};
}

hand_on! {
    read => xRead(into: *mut c_void, amount: c_int, offset: i64), else ffi::SQLITE_IOERR_READ;
    size => xFileSize(into: *mut i64), else ffi::SQLITE_IOERR_FSTAT;
    lock => xLock(level: c_int), else ffi::SQLITE_IOERR_LOCK;
    unlock => xUnlock(level: c_int), else ffi::SQLITE_IOERR_UNLOCK;
    check_lock => xCheckReservedLock(into: *mut c_int), else ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
    control => xFileControl(what: c_int, argument: *mut c_void), else ffi::SQLITE_NOTFOUND;
    sector => xSectorSize(), else 0;
    shm_map => xShmMap(page: c_int, bytes: c_int, extend: c_int, into: *mut *mut c_void), else ffi::SQLITE_IOERR_SHMMAP;
    shm_lock => xShmLock(first: c_int, count: c_int, flags: c_int), else ffi::SQLITE_IOERR_SHMLOCK;
    shm_unmap => xShmUnmap(remove: c_int), else ffi::SQLITE_OK;
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

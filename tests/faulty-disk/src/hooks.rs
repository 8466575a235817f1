//! The calls that this library takes over; the one place with `unsafe`.
//!
//! What is not for the faulty disk goes to the kernel as it came.

#![expect(
    unsafe_code,
    reason = "functions of libc are replaced, and take what libc's take"
)]

use libc::{c_int, c_long, c_void, iovec, off64_t, size_t, ssize_t};

use crate::{disk, start};

/// What is run before the program begins.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    start();
}

fn fail(code: c_int) {
    // SAFETY: the address is that of this thread's own number.
    unsafe { *libc::__errno_location() = code };
}

/// Fails as a full disk does, if it is one.
fn is_full(fd: c_int) -> bool {
    let full = disk().is_some_and(|disk| disk.refuses(fd));
    if full {
        fail(libc::ENOSPC);
    }
    full
}

fn sync(fd: c_int, call: c_long) -> c_int {
    match disk().map_or(Ok(false), |disk| disk.sync(fd)) {
        Ok(true) => 0,
        // SAFETY: the kernel checks the number of a file.
        Ok(false) => unsafe { libc::syscall(call, fd) as c_int },
        Err(_) => {
            fail(libc::EIO);
            -1
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, from: *const c_void, bytes: size_t) -> ssize_t {
    if is_full(fd) {
        return -1;
    }
    // SAFETY: as the caller promises.
    unsafe { libc::syscall(libc::SYS_write, fd, from, bytes) as ssize_t }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    fd: c_int,
    from: *const c_void,
    bytes: size_t,
    at: off64_t,
) -> ssize_t {
    if is_full(fd) {
        return -1;
    }
    // SAFETY: as the caller promises.
    unsafe { libc::syscall(libc::SYS_pwrite64, fd, from, bytes, at) as ssize_t }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, from: *const c_void, bytes: size_t, at: off64_t) -> ssize_t {
    // SAFETY: as the caller promises.
    unsafe { pwrite64(fd, from, bytes, at) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, from: *const iovec, count: c_int) -> ssize_t {
    if is_full(fd) {
        return -1;
    }
    // SAFETY: as the caller promises.
    unsafe { libc::syscall(libc::SYS_writev, fd, from, count) as ssize_t }
}

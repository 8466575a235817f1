//! The memory of vectors: cache lines, shared by views, and kept for the next vector while a session
//! works.
//!
//! Taking memory from the system and giving it back costs more than most steps of a program. So
//! while a session runs a round it lends its [`Pool`] to the thread: memory of dropped vectors goes
//! there, and new vectors take theirs from it. What leaves the pool for the system is erased first.

use std::{cell::RefCell, sync::Arc};

use zeroize::optimization_barrier;

/// A cache line. Elements begin with one, so that wide loads do not straddle two.
const LINE_BYTES: usize = 64;
/// Bytes that a pool keeps at any rate; beyond, no more than vectors in use have.
const KEPT_BYTES: usize = 64 << 20;
/// Sizes are rounded up to this many per power of two.
const STEPS: usize = 4;

/// Memory that is erased before the system gets it back.
pub(super) struct Memory {
    bytes: Vec<u8>,
    /// Where the first cache line begins.
    start: usize,
    lines: usize,
}

impl Memory {
    /// Zeros, which the system has often made already.
    fn new(lines: usize) -> Self {
        let bytes = vec![0; (lines + 1) * LINE_BYTES];
        Self {
            start: bytes.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES),
            bytes,
            lines,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.bytes.fill(0);
        optimization_barrier(&*self.bytes);
    }
}

/// Memory that a session uses again.
#[derive(Default)]
pub(crate) struct Pool {
    /// By size class.
    free: Vec<Vec<Arc<Memory>>>,
    kept: usize,
    used: usize,
}

thread_local! {
    /// What the session that runs on this thread lends.
    static LENT: RefCell<Option<Pool>> = const { RefCell::new(None) };
}

/// The smallest size class, and its lines, of memory with this many lines; there is at least one.
fn class(lines: usize) -> (usize, usize) {
    let lines = lines.max(1);
    let power = lines.ilog2() as usize;
    if power < 2 {
        return (lines - 1, lines);
    }
    let step = 1 << (power - 2);
    let steps = lines.div_ceil(step);
    // `steps` is 4 to 8; 8 is the next power.
    ((power - 2) * STEPS + steps - 1, steps * step)
}

impl Pool {
    /// Runs `f` with this pool lent to the thread.
    pub(crate) fn lend<T>(&mut self, f: impl FnOnce() -> T) -> T {
        /// Takes the pool back, however `f` ends.
        struct Lending<'a>(&'a mut Pool, Option<Pool>);
        impl Drop for Lending<'_> {
            fn drop(&mut self) {
                let outer = self.1.take();
                let lent = LENT.with_borrow_mut(|lent| std::mem::replace(lent, outer));
                *self.0 = lent.unwrap_or_default();
            }
        }
        let own = std::mem::take(self);
        let outer = LENT.with_borrow_mut(|lent| lent.replace(own));
        let _lending = Lending(self, outer);
        f()
    }

    fn take(&mut self, class: usize, bytes: usize) -> Option<Arc<Memory>> {
        self.used += bytes;
        let memory = self.free.get_mut(class)?.pop()?;
        self.kept -= bytes;
        Some(memory)
    }

    fn keep(&mut self, memory: Arc<Memory>) {
        let (class, lines) = class(memory.lines);
        let bytes = lines * LINE_BYTES;
        self.used = self.used.saturating_sub(bytes);
        if self.kept + bytes <= self.used.max(KEPT_BYTES) {
            if self.free.len() <= class {
                self.free.resize_with(class + 1, Vec::new);
            }
            self.kept += bytes;
            self.free[class].push(memory);
        }
    }
}

/// Memory of at least this many bytes, with anything in it.
pub(super) fn take(bytes: usize) -> Arc<Memory> {
    take_again(bytes).unwrap_or_else(|lines| Arc::new(Memory::new(lines)))
}

/// Memory of at least this many bytes, the first ones zero.
pub(super) fn take_zeros(bytes: usize) -> Arc<Memory> {
    match take_again(bytes) {
        Ok(mut memory) => {
            if let Some(memory) = Arc::get_mut(&mut memory) {
                memory.bytes_mut()[..bytes].fill(0);
            }
            memory
        }
        Err(lines) => Arc::new(Memory::new(lines)),
    }
}

/// Memory of the pool, or how many lines are needed.
fn take_again(bytes: usize) -> Result<Arc<Memory>, usize> {
    let (class, lines) = class(bytes.div_ceil(LINE_BYTES));
    let lent = LENT.with_borrow_mut(|lent| lent.as_mut()?.take(class, lines * LINE_BYTES));
    lent.ok_or(lines)
}

/// Whether somebody else uses memory, too.
pub(super) fn is_shared(memory: &Arc<Memory>) -> bool {
    Arc::strong_count(memory) != 1
}

/// Hands back memory, if nobody else uses it.
pub(super) fn give_back(memory: Arc<Memory>) {
    if !is_shared(&memory) {
        // A thread that ends has no pool any more, and the memory is erased.
        let _ = LENT.try_with(|lent| {
            if let Some(pool) = lent.borrow_mut().as_mut() {
                pool.keep(memory);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_large_enough_and_waste_little() {
        let mut last = class(1);
        for lines in 2..5000 {
            let (number, size) = class(lines);
            assert!(size >= lines && size <= lines + lines / 4, "{lines}");
            assert_eq!(class(size), (number, size));
            assert!((number, size) >= last && (number == last.0) == (size == last.1));
            last = (number, size);
        }
    }

    #[test]
    fn memory_is_used_again_while_the_pool_is_lent() {
        let mut pool = Pool::default();
        let first = pool.lend(|| {
            let memory = take(1000);
            let place = memory.bytes().as_ptr() as usize;
            give_back(memory);
            place
        });
        assert_eq!(pool.kept, 1024);
        let again = pool.lend(|| take(1000));
        assert_eq!(again.bytes().as_ptr() as usize, first);
        assert_eq!((pool.kept, pool.used), (0, 1024));
        give_back(again);
        assert_eq!(pool.kept, 0, "no pool was lent");
    }

    #[test]
    fn what_is_shared_is_not_used_again() {
        let mut pool = Pool::default();
        pool.lend(|| {
            let memory = take(64);
            give_back(memory.clone());
            let other = take(64);
            assert_ne!(memory.bytes().as_ptr(), other.bytes().as_ptr());
        });
    }

    #[test]
    fn zeros_are_zeros_on_memory_that_was_used() {
        let mut pool = Pool::default();
        pool.lend(|| {
            let mut memory = take(1000);
            if let Some(memory) = Arc::get_mut(&mut memory) {
                memory.bytes_mut().fill(0xff);
            }
            give_back(memory);
            assert!(take_zeros(1000).bytes()[..1000].iter().all(|x| *x == 0));
        });
    }

    #[test]
    fn a_pool_keeps_no_more_than_is_in_use() {
        let mut pool = Pool::default();
        pool.lend(|| {
            let all: Vec<_> = (0..6).map(|_| take(32 << 20)).collect();
            all.into_iter().for_each(give_back);
        });
        assert!(pool.kept <= 96 << 20, "{}", pool.kept);
        assert_eq!(pool.used, 0);
    }
}

//! Gates that permute, and random values.

use wire::{kind::Kind, limits::SESSION_FRAME_BYTES};

use super::{Builder, Gate, range::Range};
use crate::{ProgramError, ValueId, program::Form, vector::Domain};

/// Bytes of a vector that is shuffled or opened within a program: it crosses in one piece, of which a
/// party may send two to the same peer in a round, and leaves room in a frame for header and digests.
const PIECE_BYTES: usize = SESSION_FRAME_BYTES / 2 - 1024;

/// Elements that are rearranged at once: parties hold orders of so many.
const MOST_PLACES: usize = 1 << 22;

impl Builder {
    /// A number that no other shuffle and no other random value has.
    pub(crate) fn stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams
    }

    /// Every plane of `len` lanes of x in the order of the stream.
    pub(crate) fn shuffle(&mut self, x: ValueId, stream: u32, len: usize) -> ValueId {
        self.shuffle_or_back(x, stream, len, false)
    }

    /// Every plane of `len` lanes of x put back from the order of the stream.
    pub(crate) fn unshuffle(&mut self, x: ValueId, stream: u32, len: usize) -> ValueId {
        self.shuffle_or_back(x, stream, len, true)
    }

    fn shuffle_or_back(&mut self, x: ValueId, stream: u32, len: usize, inverse: bool) -> ValueId {
        if len <= 1 || self.single(x).is_some() {
            return x;
        }
        let form = self.form(x);
        self.one_piece(form);
        self.few_places(len);
        let gate = Gate::Shuffle {
            x,
            stream,
            len,
            inverse,
        };
        self.push(gate, form)
    }

    /// x in clear. It must be a permutation in a uniformly random order that nobody knows.
    pub(crate) fn open(&mut self, x: ValueId) -> ValueId {
        let form = self.form(x);
        self.one_piece(form);
        self.push(Gate::Open(x), form)
    }

    /// Lane i of every plane of x at place `places[i]`, for opened places.
    pub(crate) fn permute(&mut self, x: ValueId, places: ValueId) -> ValueId {
        self.permute_or_back(x, places, false)
    }

    /// Lane `places[i]` of every plane of x at place i, for opened places.
    pub(crate) fn take(&mut self, x: ValueId, places: ValueId) -> ValueId {
        self.permute_or_back(x, places, true)
    }

    fn permute_or_back(&mut self, x: ValueId, places: ValueId, inverse: bool) -> ValueId {
        if self.len(places) <= 1 || self.single(x).is_some() {
            return x;
        }
        self.few_places(self.len(places));
        let gate = Gate::Permute { x, places, inverse };
        self.push(gate, self.form(x))
    }

    /// Uniformly random lanes.
    pub(crate) fn random(&mut self, form: Form) -> ValueId {
        if form.len == 0 {
            return self.constant(form.kind, 0, 0);
        }
        let stream = self.stream();
        self.push(
            Gate::Random {
                stream,
                below: None,
            },
            form,
        )
    }

    /// Sums of four uniformly random numbers below `bound`, which must not be 0 and of which the
    /// kind must hold four times as much.
    pub(crate) fn random_sum(&mut self, kind: Kind, bound: u128, len: usize) -> ValueId {
        let (stream, below) = (self.stream(), Some(bound));
        let sum = self.push(Gate::Random { stream, below }, Form { kind, len });
        self.assume_below(sum, 4 * (bound - 1) + 1);
        sum
    }

    /// Says that a value is known to be below `bound`, and not negative.
    pub(crate) fn assume_below(&mut self, value: ValueId, bound: u128) {
        let range = Range::at_most(bound - 1);
        self.assume(value, range);
    }

    /// Notes if there are too many elements to rearrange at once.
    fn few_places(&mut self, len: usize) {
        if len > MOST_PLACES {
            self.refuse(ProgramError::TooMany {
                what: "elements that are shuffled or sorted",
                actual: len,
                limit: MOST_PLACES,
            });
        }
    }

    /// Notes if a vector is too long to cross in one piece.
    fn one_piece(&mut self, form: Form) {
        let bytes = Domain::of(form.kind).wire_bytes(form.len);
        if bytes > PIECE_BYTES {
            self.refuse(ProgramError::TooMany {
                what: "bytes of a vector that is shuffled or sorted",
                actual: bytes,
                limit: PIECE_BYTES,
            });
        }
    }
}

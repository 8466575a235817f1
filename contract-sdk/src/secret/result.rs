//! Results of a computation that stay secret: kept by the contract for later computations, or for
//! one user alone. Nobody sees them while they are made; they are rows of a `#[derive(SecretInput)]`
//! struct, and a later computation reads them like inputs of that type.

use wire::guest::{APPEND, REPLACE, Recipient};

use super::{InputNumber, SecretInput, SecretVec};
use crate::host;

/// A part of what a `#[compute]` function returns that stays secret: [`Kept`], [`ToOwners`] or
/// [`ToReader`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result that stays secret",
    note = "return Kept<T>, ToOwners<T> or ToReader<T>, where T is a struct of this contract with \
            #[derive(SecretInput)]"
)]
pub trait SecretResult {
    /// Who gets it.
    const RECIPIENT: Recipient;
    /// Number of the input type of its rows.
    const NUMBER: u32;

    /// Keeps it, as the result with this number.
    fn keep(self, result: u32);
}

/// What the contract keeps for later computations, which read it as `SecretVec<T>`. Nobody can
/// read it otherwise. A computation that is started while one is under way that keeps the same type
/// waits for it.
pub struct Kept<T: SecretInput> {
    columns: T::Columns,
    detail: u32,
}

impl<T: SecretInput> Kept<T> {
    /// This takes the place of all that the contract has kept of this type.
    pub fn new(value: T) -> Self {
        Self::of(T::row(&value), REPLACE)
    }

    /// This comes after what the contract has kept of this type.
    pub fn append(value: T) -> Self {
        Self::of(T::row(&value), APPEND)
    }

    /// These rows take the place of all that the contract has kept of this type; none of them delete
    /// it.
    ///
    /// # Panics
    /// The columns differ in length.
    pub fn rows(columns: T::Columns) -> Self {
        Self::of(columns, REPLACE)
    }

    /// These rows come after what the contract has kept of this type.
    ///
    /// # Panics
    /// The columns differ in length.
    pub fn append_rows(columns: T::Columns) -> Self {
        Self::of(columns, APPEND)
    }

    fn of(columns: T::Columns, detail: u32) -> Self {
        let _ = rows::<T>(&columns);
        Self { columns, detail }
    }
}

impl<T: InputNumber> SecretResult for Kept<T> {
    const RECIPIENT: Recipient = Recipient::Contract;
    const NUMBER: u32 = T::NUMBER;

    fn keep(self, result: u32) {
        keep::<T>(&self.columns, result, self.detail);
    }
}

/// Something for each owner of an input: row i is for the owner of input i, who alone can read it.
pub struct ToOwners<T: SecretInput> {
    columns: T::Columns,
    of: u32,
}

impl<T: SecretInput> ToOwners<T> {
    /// A row for each of these inputs, which are an argument of the computation.
    ///
    /// # Panics
    /// There are not as many rows as inputs.
    pub fn new<I: InputNumber>(inputs: &SecretVec<I>, columns: T::Columns) -> Self {
        let rows = rows::<T>(&columns);
        assert!(
            rows == inputs.len(),
            "ToOwners takes one row for each input"
        );
        let of = I::NUMBER;
        Self { columns, of }
    }
}

impl<T: InputNumber> SecretResult for ToOwners<T> {
    const RECIPIENT: Recipient = Recipient::Owners;
    const NUMBER: u32 = T::NUMBER;

    fn keep(self, result: u32) {
        keep::<T>(&self.columns, result, self.of);
    }
}

/// Something for the one whom `Start` names with `reader`, who alone can read it.
pub struct ToReader<T: SecretInput> {
    columns: T::Columns,
}

impl<T: SecretInput> ToReader<T> {
    /// One row.
    pub fn new(value: T) -> Self {
        let columns = T::row(&value);
        Self { columns }
    }

    /// Some rows.
    ///
    /// # Panics
    /// The columns differ in length.
    pub fn rows(columns: T::Columns) -> Self {
        let _ = rows::<T>(&columns);
        Self { columns }
    }
}

impl<T: InputNumber> SecretResult for ToReader<T> {
    const RECIPIENT: Recipient = Recipient::Reader;
    const NUMBER: u32 = T::NUMBER;

    fn keep(self, result: u32) {
        keep::<T>(&self.columns, result, 0);
    }
}

/// How many rows columns have, all of them the same.
fn rows<T: SecretInput>(columns: &T::Columns) -> usize {
    let mut rows = None;
    T::each(columns, 0, 0, &mut |_, _, _, len| {
        assert!(
            *rows.get_or_insert(len) == len,
            "the columns of a result must be of the same length"
        );
    });
    rows.unwrap_or(0)
}

fn keep<T: SecretInput>(columns: &T::Columns, result: u32, detail: u32) {
    T::each(columns, 0, 0, &mut |field, element, handle, _| {
        host::keep(result, field, element, handle, detail);
    });
}

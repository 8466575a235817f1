//! Rust types as Solidity types: names, ABI encoding, JSON.

pub mod json;
pub mod keccak;
mod option;
mod params;

use alloy_primitives::{Address, Bytes, FixedBytes, I256, U256};
use alloy_sol_types::{Word, sol_data};

pub use alloy_sol_types::SolType;
pub use params::Params;

/// The value that alloy encodes for a type.
pub type Encodable<T> = <<T as AbiType>::Sol as SolType>::RustType;

/// A Rust type that stands for one Solidity type: an argument, a result, a field of an event.
///
/// Derive it with `#[derive(AbiType)]`: a struct of such types becomes a Solidity struct, an enum
/// without fields a Solidity enum, which is a `uint8`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Solidity type",
    label = "cannot cross the contract's ABI",
    note = "use bool, an integer, U256, Address, B256, Bytes, String, Option, an array or Vec of \
            these, or a struct or enum with #[derive(AbiType)]",
    note = "a secret has none: users seal it in a struct with #[derive(SecretInput)], and what a \
            #[compute] function returns is revealed"
)]
pub trait AbiType: Sized {
    /// Its Solidity type in alloy's words.
    type Sol: SolType;

    /// The name of the struct, also for arrays of it; empty for other types.
    const STRUCT: &'static str = "";

    /// The value that alloy encodes.
    fn to_sol(&self) -> Encodable<Self>;

    /// From the value that alloy decoded; none if it is no value of this type.
    fn from_sol(value: Encodable<Self>) -> Option<Self>;

    /// Solidity's zero of this type.
    fn zero() -> Encodable<Self>;

    /// Appends its type in the words of Solidity's JSON ABI, where a struct is a `tuple`.
    fn json_type(out: &mut String) {
        out.push_str(Self::Sol::SOL_NAME);
    }

    /// Appends the JSON list of a struct's components; nothing for other types.
    fn json_components(_out: &mut String) {}
}

/// The name of a type in signatures.
#[must_use]
pub const fn name<T: AbiType>() -> &'static str {
    <T::Sol as SolType>::SOL_NAME
}

/// `abi.encode` of these values: `abi::encode(&(address, number))`.
#[must_use]
pub fn encode<P: Params>(values: &P) -> Vec<u8> {
    values.encode()
}

/// Compiles only for types that can cross the ABI; macros use it to point at the author's line.
pub const fn assert_type<T: AbiType>() {}

/// A type that fits one topic of an event as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an #[indexed] field",
    label = "does not fit one topic",
    note = "index bool, an integer, Address or B256, or remove #[indexed]"
)]
pub trait Topic: AbiType {
    /// The topic.
    fn to_topic(&self) -> Word {
        let encoded = Self::Sol::abi_encode(&self.to_sol());
        let mut word = Word::ZERO;
        word.copy_from_slice(&encoded[..32]);
        word
    }

    /// From a topic.
    #[must_use]
    fn from_topic(topic: &Word) -> Option<Self> {
        Self::Sol::abi_decode_validate(topic.as_slice())
            .ok()
            .and_then(Self::from_sol)
    }
}

macro_rules! words {
    ($($rust:ty => $sol:ty;)*) => {$(
        impl AbiType for $rust {
            type Sol = $sol;

            fn to_sol(&self) -> Self {
                *self
            }

            fn from_sol(value: Self) -> Option<Self> {
                Some(value)
            }

            fn zero() -> Self {
                Self::default()
            }
        }

        impl Topic for $rust {}
    )*};
}

words! {
    bool => sol_data::Bool;
    u8 => sol_data::Uint<8>;
    u16 => sol_data::Uint<16>;
    u32 => sol_data::Uint<32>;
    u64 => sol_data::Uint<64>;
    u128 => sol_data::Uint<128>;
    U256 => sol_data::Uint<256>;
    i8 => sol_data::Int<8>;
    i16 => sol_data::Int<16>;
    i32 => sol_data::Int<32>;
    i64 => sol_data::Int<64>;
    i128 => sol_data::Int<128>;
    I256 => sol_data::Int<256>;
    Address => sol_data::Address;
}

impl<const N: usize> AbiType for FixedBytes<N>
where
    sol_data::ByteCount<N>: sol_data::SupportedFixedBytes,
{
    type Sol = sol_data::FixedBytes<N>;

    fn to_sol(&self) -> Self {
        *self
    }

    fn from_sol(value: Self) -> Option<Self> {
        Some(value)
    }

    fn zero() -> Self {
        Self::default()
    }
}

impl<const N: usize> Topic for FixedBytes<N> where
    sol_data::ByteCount<N>: sol_data::SupportedFixedBytes
{
}

macro_rules! dynamic {
    ($($rust:ty => $sol:ty;)*) => {$(
        impl AbiType for $rust {
            type Sol = $sol;

            fn to_sol(&self) -> Self {
                self.clone()
            }

            fn from_sol(value: Self) -> Option<Self> {
                Some(value)
            }

            fn zero() -> Self {
                Self::default()
            }
        }
    )*};
}

dynamic! {
    Bytes => sol_data::Bytes;
    String => sol_data::String;
}

impl<T: AbiType> AbiType for Vec<T> {
    type Sol = sol_data::Array<T::Sol>;
    const STRUCT: &'static str = T::STRUCT;

    fn to_sol(&self) -> Vec<Encodable<T>> {
        self.iter().map(T::to_sol).collect()
    }

    fn from_sol(value: Vec<Encodable<T>>) -> Option<Self> {
        value.into_iter().map(T::from_sol).collect()
    }

    fn zero() -> Vec<Encodable<T>> {
        Vec::new()
    }

    fn json_type(out: &mut String) {
        T::json_type(out);
        out.push_str("[]");
    }

    fn json_components(out: &mut String) {
        T::json_components(out);
    }
}

impl<T: AbiType, const N: usize> AbiType for [T; N] {
    type Sol = sol_data::FixedArray<T::Sol, N>;
    const STRUCT: &'static str = T::STRUCT;

    fn to_sol(&self) -> [Encodable<T>; N] {
        std::array::from_fn(|i| self[i].to_sol())
    }

    fn from_sol(value: [Encodable<T>; N]) -> Option<Self> {
        let values: Option<Vec<T>> = value.into_iter().map(T::from_sol).collect();
        values?.try_into().ok()
    }

    fn zero() -> [Encodable<T>; N] {
        std::array::from_fn(|_| T::zero())
    }

    fn json_type(out: &mut String) {
        T::json_type(out);
        out.push('[');
        json::push_number(out, N as u64);
        out.push(']');
    }

    fn json_components(out: &mut String) {
        T::json_components(out);
    }
}

//! Parameter lists: the arguments of a function, its results, the fields of an error or event.

use alloy_sol_types::SolType;

use super::{AbiType, json};

/// A list of up to twelve [`AbiType`]s, as a tuple.
pub trait Params: Sized {
    /// How many there are.
    const COUNT: usize;
    /// Their types as in a signature: `(uint32,address[])`.
    const SIGNATURE: &'static str;

    /// Encodes them as `abi.encode` does.
    fn encode(&self) -> Vec<u8>;

    /// Decodes them, refusing anything but what Solidity's decoder accepts.
    fn decode(data: &[u8]) -> Option<Self>;

    /// Appends the JSON list of these parameters under these names.
    fn json(names: &[&str], out: &mut String);
}

macro_rules! params {
    ($($count:literal: $($ty:ident $at:tt),*;)*) => {$(
        impl<$($ty: AbiType),*> Params for ($($ty,)*) {
            const COUNT: usize = $count;
            const SIGNATURE: &'static str = <($($ty::Sol,)*) as SolType>::SOL_NAME;

            fn encode(&self) -> Vec<u8> {
                <($($ty::Sol,)*)>::abi_encode_params(&($(self.$at.to_sol(),)*))
            }

            fn decode(data: &[u8]) -> Option<Self> {
                let decoded = <($($ty::Sol,)*)>::abi_decode_params_validate(data).ok()?;
                Some(($($ty::from_sol(decoded.$at)?,)*))
            }

            fn json(names: &[&str], out: &mut String) {
                out.push('[');
                $(
                    if $at > 0 {
                        out.push(',');
                    }
                    json::push_parameter::<$ty>(names.get($at).copied().unwrap_or(""), None, out);
                )*
                out.push(']');
            }
        }
    )*};
}

params! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}

impl Params for () {
    const COUNT: usize = 0;
    const SIGNATURE: &'static str = "()";

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(data: &[u8]) -> Option<Self> {
        data.is_empty().then_some(())
    }

    fn json(_names: &[&str], out: &mut String) {
        out.push_str("[]");
    }
}

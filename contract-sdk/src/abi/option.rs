//! A value that may be absent: in Solidity a struct of a flag and the value, which is zero without
//! the flag.

use alloy_sol_types::sol_data;

use super::{AbiType, Encodable, json};

impl<T: AbiType> AbiType for Option<T> {
    type Sol = (sol_data::Bool, T::Sol);

    fn to_sol(&self) -> (bool, Encodable<T>) {
        let value = self.as_ref().map_or_else(T::zero, T::to_sol);
        (self.is_some(), value)
    }

    fn from_sol((is_some, value): (bool, Encodable<T>)) -> Option<Self> {
        if is_some {
            T::from_sol(value).map(Some)
        } else {
            Some(None)
        }
    }

    fn zero() -> (bool, Encodable<T>) {
        (false, T::zero())
    }

    fn json_type(out: &mut String) {
        out.push_str("tuple");
    }

    fn json_components(out: &mut String) {
        out.push('[');
        json::push_parameter::<bool>("isSome", None, out);
        out.push(',');
        json::push_parameter::<T>("value", None, out);
        out.push(']');
    }
}

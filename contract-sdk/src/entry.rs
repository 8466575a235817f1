//! The entry points of `wire::guest`, for any contract.

use wire::guest::{Fault, Status};

use crate::{
    contract::{Contract, Refused},
    host,
};

fn finish(result: Result<Vec<u8>, Refused>) -> i32 {
    let (status, output) = match result {
        Ok(output) => (Status::Ok, output),
        Err(Refused::Revert(data)) => (Status::Revert, data),
        Err(Refused::BadCall) => (Status::BadCall, Vec::new()),
    };
    host::output(&output);
    status as i32
}

/// Takes `N` bytes off the front.
fn take<const N: usize>(data: &mut &[u8]) -> Result<[u8; N], Refused> {
    let (front, rest) = data.split_first_chunk().ok_or(Refused::BadCall)?;
    *data = rest;
    Ok(*front)
}

fn number(data: &mut &[u8]) -> Result<u32, Refused> {
    take(data).map(u32::from_be_bytes)
}

/// `quartet_describe`
pub fn describe<C: Contract>() -> i32 {
    finish(Ok(C::describe().into_bytes()))
}

/// `quartet_init`
pub fn init<C: Contract>() -> i32 {
    finish(C::init(&host::calldata()))
}

/// `quartet_call`
pub fn call<C: Contract>() -> i32 {
    finish(C::call(&host::calldata()))
}

/// `quartet_compute`
pub fn compute<C: Contract>() -> i32 {
    let calldata = host::calldata();
    let data = &mut calldata.as_slice();
    let result = number(data).and_then(|number| C::compute(number, data));
    finish(result.map(|()| Vec::new()))
}

/// `quartet_encode`
pub fn encode<C: Contract>() -> i32 {
    let calldata = host::calldata();
    let data = &mut calldata.as_slice();
    finish(number(data).and_then(|number| C::encode(number, data)))
}

/// `quartet_attested`
pub fn attested<C: Contract>() -> i32 {
    let calldata = host::calldata();
    let data = &mut calldata.as_slice();
    let result = number(data).and_then(|number| {
        let index = u64::from_be_bytes(take(data)?);
        C::attested(number, index, data)
    });
    finish(result.map(|()| Vec::new()))
}

/// `quartet_failed`
pub fn failed<C: Contract>() -> i32 {
    let calldata = host::calldata();
    let data = &mut calldata.as_slice();
    let result = number(data).and_then(|number| {
        let index = u64::from_be_bytes(take(data)?);
        let code = u32::from_be_bytes(take(data)?);
        C::failed(
            number,
            index,
            Fault::from_code(code).ok_or(Refused::BadCall)?,
        )
    });
    finish(result.map(|()| Vec::new()))
}

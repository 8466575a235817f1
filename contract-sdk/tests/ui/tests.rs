#[quartet::test]
async fn waits() {}

#[quartet::test]
fn takes(_world: u64) {}

#[quartet::test(clear, real)]
fn elsewhere() {}

fn main() {}

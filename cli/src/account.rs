//! `quartet key` and `quartet advance`: small things around an account and a development cluster.

use std::path::PathBuf;

use client::{UserKey, key_file};

use crate::{contract::seconds, error::CliError, site::Site};

/// Options of `quartet key`.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyOptions {
    /// The file; made with a fresh key if it does not exist.
    file: PathBuf,
}

/// Options of `quartet advance`.
#[derive(Debug, clap::Args)]
pub(crate) struct AdvanceOptions {
    /// How long, like `90s`, `10m`, `2h` or `1d`.
    #[arg(value_parser = duration)]
    time: u64,
    #[command(flatten)]
    site: Site,
}

fn duration(text: &str) -> Result<u64, &'static str> {
    seconds(text).ok_or("a time is like `90s`, `10m`, `2h` or `1d`")
}

/// Makes a key, or shows the address of one.
pub(crate) fn key(options: &KeyOptions) -> Result<(), CliError> {
    let file = &options.file;
    if file.exists() {
        println!("{}", key_file::read(file)?.address());
        return Ok(());
    }
    let key = UserKey::random(&mut rand::rng());
    key_file::write(file, &key)?;
    println!("{}", key.address());
    Ok(())
}

/// Lets time pass.
pub(crate) async fn advance(options: AdvanceOptions) -> Result<(), CliError> {
    let cluster = options.site.connect().await?;
    if !cluster.committee.dev {
        return Err(CliError::NotForDevelopment);
    }
    let now = cluster.client.advance_time(options.time).await?;
    println!("It is {now} seconds since the Unix epoch now.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("me.key");
        let options = KeyOptions { file: file.clone() };
        key(&options).unwrap();
        let address = key_file::read(&file).unwrap().address();
        key(&options).unwrap();
        assert_eq!(key_file::read(&file).unwrap().address(), address);
    }
}

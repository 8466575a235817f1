//! What can be done to the nodes of a cluster, their disks and their network.

use std::{fs, path::Path};

use super::Cluster;
use crate::{DevnetError, Links, disk::FaultyDisk, folder, process::Process};

impl Cluster {
    /// Kills a node at once (SIGKILL). What it wrote stays: for what would be lost with the machine
    /// see [`Self::cut_power`].
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn kill(&self, node: usize) -> Result<(), DevnetError> {
        if let Some(mut process) = self.seat(node)?.process.take() {
            process.kill();
        }
        Ok(())
    }

    /// Stops a node where it is (SIGSTOP): its connections stay, and it says nothing.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`], also if it does not run.
    pub fn pause(&self, node: usize) -> Result<(), DevnetError> {
        self.running(node, Process::pause)
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`], also if it does not run.
    pub fn resume(&self, node: usize) -> Result<(), DevnetError> {
        self.running(node, Process::resume)
    }

    /// Removes all that a node that does not run has stored, but for its keys and its
    /// configuration.
    ///
    /// # Errors
    /// [`DevnetError::StillRuns`], [`DevnetError::File`].
    pub fn wipe(&self, node: usize) -> Result<(), DevnetError> {
        let data = self.data_of_stopped(node)?;
        folder::remove(data)?;
        fs::create_dir(data).map_err(DevnetError::file("create", data))?;
        self.renew_disk(node)
    }

    /// Copies what a node that does not run has stored into a new folder.
    ///
    /// # Errors
    /// [`DevnetError::StillRuns`], [`DevnetError::File`].
    pub fn snapshot(&self, node: usize, to: &Path) -> Result<(), DevnetError> {
        folder::copy(self.data_of_stopped(node)?, to)
    }

    /// Puts a copy in the place of what a node that does not run has stored.
    ///
    /// # Errors
    /// [`DevnetError::StillRuns`], [`DevnetError::File`].
    pub fn restore(&self, node: usize, from: &Path) -> Result<(), DevnetError> {
        let data = self.data_of_stopped(node)?;
        folder::remove(data)?;
        folder::copy(from, data)?;
        self.renew_disk(node)
    }

    /// Cuts the power of these nodes at the same time: all are killed, and what they had not
    /// fsynced is gone.
    ///
    /// # Errors
    /// [`DevnetError::NotEquipped`] without [`super::FaultTools::disk`]; [`DevnetError::File`].
    pub fn cut_power(&self, nodes: &[usize]) -> Result<(), DevnetError> {
        for node in nodes {
            self.kill(*node)?;
        }
        nodes
            .iter()
            .try_for_each(|node| self.disk(*node)?.cut_power())
    }

    /// From now on nothing more fits on a node's disk, or something does again.
    ///
    /// # Errors
    /// [`DevnetError::NotEquipped`] without [`super::FaultTools::disk`]; [`DevnetError::File`].
    pub fn set_disk_full(&self, node: usize, full: bool) -> Result<(), DevnetError> {
        self.disk(node)?.set_full(full)
    }

    /// From now on a node's disk only says that it syncs files with these names.
    ///
    /// # Errors
    /// [`DevnetError::NotEquipped`] without [`super::FaultTools::disk`]; [`DevnetError::File`].
    pub fn ignore_syncs(&self, node: usize, names: &[&str]) -> Result<(), DevnetError> {
        self.disk(node)?.ignore_syncs(names)
    }

    /// The network between the nodes.
    ///
    /// # Errors
    /// [`DevnetError::NotEquipped`] without [`super::FaultTools::links`].
    pub fn links(&self) -> Result<&Links, DevnetError> {
        let links = self.links.as_ref();
        links.ok_or(DevnetError::NotEquipped("network of its own"))
    }

    /// How a node ended, if it runs no more and was not killed or stopped here.
    #[must_use]
    pub fn ended(&self, node: usize) -> Option<String> {
        self.seat(node).ok()?.process.as_ref()?.ended()
    }

    fn running(&self, node: usize, order: impl FnOnce(&Process)) -> Result<(), DevnetError> {
        let seat = self.seat(node)?;
        let process = seat.process.as_ref();
        process.map(order).ok_or(DevnetError::NoSuchNode(node))
    }

    fn disk(&self, node: usize) -> Result<&FaultyDisk, DevnetError> {
        let disk = self.disks.get(node).ok_or(DevnetError::NoSuchNode(node))?;
        let disk = disk.as_ref();
        disk.ok_or(DevnetError::NotEquipped("faulty disks"))
    }

    fn renew_disk(&self, node: usize) -> Result<(), DevnetError> {
        let disk = self.disks[node].as_ref();
        disk.map_or(Ok(()), FaultyDisk::renew)
    }

    fn data_of_stopped(&self, node: usize) -> Result<&Path, DevnetError> {
        if self.seat(node)?.process.is_some() {
            return Err(DevnetError::StillRuns(node));
        }
        Ok(&self.files[node].data)
    }
}

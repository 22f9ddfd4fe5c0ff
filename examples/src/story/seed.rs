//! The seed's script: resources and lab facts from the files of a directory.

use std::path::Path;

use bgp_cluster::resource::{Kind, Resource};

use super::{Change, Script, StoryError};
use crate::input::Reader;

impl Script {
    /// Reads the seed's files from a directory: `lab.yaml`, `ippool.yaml`, `nodes.yaml`, `bgpconfig.yaml`,
    /// `bgppeer.yaml`, and those of the steps, `ippool-never.yaml`, `mesh-off.yaml`, `rr-node.yaml`, `rr-peer.yaml`,
    /// `rr2-node.yaml`.
    ///
    /// # Errors
    /// The first thing that is wrong in a file, or a node that the story needs and no file has.
    pub fn from_directory(directory: &Path, reader: &mut Reader) -> Result<Script, StoryError> {
        let lab = reader.lab(&directory.join("lab.yaml"))?;
        let mut change = |name: &str| -> Result<Change, StoryError> {
            Ok(Change::new(name, reader.resources(&directory.join(name))?))
        };
        let start =
            vec![change("ippool.yaml")?, change("nodes.yaml")?, change("bgpconfig.yaml")?, change("bgppeer.yaml")?];
        let (never, mesh_off) = (change("ippool-never.yaml")?, change("mesh-off.yaml")?);
        let (first, last) = (change("rr-node.yaml")?, change("rr2-node.yaml")?);
        let dies = node_of(&first)?;
        let witness = node_of(&last)?;
        let nodes = start.iter().flat_map(|change| &change.resources).filter(|resource| resource.kind() == Kind::Node);
        let here = nodes
            .map(|node| node.name().to_string())
            .find(|name| *name != dies && *name != witness)
            .ok_or_else(|| StoryError::Unsuitable("nodes.yaml: no node but the reflectors".into()))?;
        Ok(Script {
            lab,
            start,
            never,
            mesh_off,
            reflectors: vec![first, change("rr-peer.yaml")?],
            last_reflector: Some(last),
            here,
            there: dies.clone(),
            dies,
            witness,
            whole: true,
            largest_mesh: usize::MAX,
        })
    }
}

fn node_of(change: &Change) -> Result<String, StoryError> {
    let node = change.resources.iter().find(|resource| resource.kind() == Kind::Node);
    node.map(Resource::name)
        .map(ToString::to_string)
        .ok_or_else(|| StoryError::Unsuitable(format!("{}: holds no Node", change.file)))
}

//! Routes of a tunnel without one remote, as Calico's tunl0 has them: lines `block via node`.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;

/// Blocks of addresses and the node that each is behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// The longest prefixes first, so that the first that holds an address is its route.
    routes: Vec<(Ipv4Net, Ipv4Addr)>,
}

impl Routes {
    /// Reads a file: one route a line, empty lines and what follows a `#` do not count.
    ///
    /// # Errors
    /// The file cannot be read, or a line is no route.
    pub fn read(file: &Path) -> Result<Routes, RoutesError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| RoutesError::Read { file: file.to_path_buf(), error })?;
        Routes::parse(&text)
    }

    /// The routes in a text.
    ///
    /// # Errors
    /// A line is no route, or a block is there twice.
    ///
    /// ```
    /// use examples::endpoint::Routes;
    /// let routes = Routes::parse("10.244.36.64/26 via 192.168.179.103 # node1\n")?;
    /// assert_eq!(routes.exit("10.244.36.65".parse()?), Some("192.168.179.103".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Routes, RoutesError> {
        let mut routes = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            let route = match words[..] {
                [] => continue,
                [block, "via", node] => block.parse::<Ipv4Net>().ok().zip(node.parse().ok()),
                _ => None,
            };
            let (block, node) = route.ok_or_else(|| RoutesError::Line { line, text: text.trim().to_owned() })?;
            routes.push((block.trunc(), node));
        }
        routes.sort_by_key(|&(block, node)| (std::cmp::Reverse(block.prefix_len()), block, node));
        let twice = routes.windows(2).find(|pair| matches!(pair, [one, other] if one.0 == other.0));
        match twice {
            Some([(block, _), ..]) => Err(RoutesError::Twice(*block)),
            _ => Ok(Routes { routes }),
        }
    }

    /// The node that `address` is behind.
    #[must_use]
    pub fn exit(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        self.routes.iter().find(|(block, _)| block.contains(&address)).map(|(_, node)| *node)
    }

    /// Whether a block is behind `node`.
    #[must_use]
    pub fn has_node(&self, node: Ipv4Addr) -> bool {
        self.routes.iter().any(|(_, other)| *other == node)
    }
}

/// Routes that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// The file cannot be read.
    #[error("{}: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A line that is no route.
    #[error("line {line} is not \"block via node\": {text}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// A block with two routes.
    #[error("block {0} has more than one route")]
    Twice(Ipv4Net),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_strangers_have_no_exit() {
        let text = "10.244.0.0/16 via 192.0.2.9\n\n# two nodes\n10.244.1.0/26  via 192.0.2.1\n";
        let routes = Routes::parse(text).unwrap();
        let exit = |last: [u8; 4]| routes.exit(last.into());
        assert_eq!(exit([10, 244, 1, 5]), Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(exit([10, 244, 1, 70]), Some(Ipv4Addr::new(192, 0, 2, 9)));
        assert_eq!(exit([10, 245, 0, 1]), None);
        assert!(routes.has_node(Ipv4Addr::new(192, 0, 2, 9)) && !routes.has_node(Ipv4Addr::new(192, 0, 2, 2)));
    }

    #[test]
    fn what_is_no_route_is_named_by_its_line() {
        let error = Routes::parse("\n10.244.1.0/26 over 192.0.2.1").unwrap_err();
        assert_eq!(error.to_string(), "line 2 is not \"block via node\": 10.244.1.0/26 over 192.0.2.1");
        let error = Routes::parse("10.0.0.1/8 via 192.0.2.1\n10.0.0.0/8 via 192.0.2.2").unwrap_err();
        assert_eq!(error.to_string(), "block 10.0.0.0/8 has more than one route");
    }
}

//! Which packages of a lock are there only for development: those that the development
//! dependencies lead to and the others do not.

use std::borrow::Cow;
use std::collections::HashMap;

/// Packages and what each depends on. Names that no package bears are nodes without edges.
#[derive(Default)]
pub(crate) struct DependencyGraph<'a> {
    places: HashMap<Cow<'a, str>, u32>,
    /// From a node to what it depends on.
    edges: Vec<(u32, u32)>,
    released: Vec<u32>,
    development: Vec<u32>,
}

impl<'a> DependencyGraph<'a> {
    pub(crate) fn add_edge(&mut self, from: impl Into<Cow<'a, str>>, to: impl Into<Cow<'a, str>>) {
        let edge = (self.place(from.into()), self.place(to.into()));
        self.edges.push(edge);
    }

    /// Adds a dependency of the application itself.
    pub(crate) fn add_released(&mut self, name: impl Into<Cow<'a, str>>) {
        let place = self.place(name.into());
        self.released.push(place);
    }

    /// Adds a dependency that is there for development.
    pub(crate) fn add_development(&mut self, name: impl Into<Cow<'a, str>>) {
        let place = self.place(name.into());
        self.development.push(place);
    }

    fn place(&mut self, name: Cow<'a, str>) -> u32 {
        // No file that is read whole holds more names than that.
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        *self.places.entry(name).or_insert(next)
    }

    /// Returns the answer for every name. What nothing leads to counts as released: a lock that is
    /// read wrongly must not hide a package.
    pub(crate) fn into_development(mut self) -> Development<'a> {
        self.edges.sort_unstable();
        let released = self.reach(&self.released);
        let development = self.reach(&self.development);
        let is_development = released.iter().zip(development).map(|(r, d)| d && !r).collect();
        Development { places: self.places, is_development }
    }

    /// Walks from some nodes to all that they lead to.
    fn reach(&self, from: &[u32]) -> Vec<bool> {
        let mut reached = vec![false; self.places.len()];
        let mut open = from.to_vec();
        while let Some(node) = open.pop() {
            match reached.get_mut(node as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let first = self.edges.partition_point(|(start, _)| *start < node);
            let edges = self.edges.iter().skip(first).take_while(|(start, _)| *start == node);
            open.extend(edges.map(|(_, end)| *end));
        }
        reached
    }
}

/// Which names are there only for development.
pub(crate) struct Development<'a> {
    places: HashMap<Cow<'a, str>, u32>,
    is_development: Vec<bool>,
}

impl Development<'_> {
    pub(crate) fn contains(&self, name: &str) -> bool {
        let place = self.places.get(name);
        place.is_some_and(|at| self.is_development.get(*at as usize).is_some_and(|is| *is))
    }
}

#[cfg(test)]
mod tests {
    use super::DependencyGraph;

    #[test]
    fn only_what_development_alone_leads_to_is_development() {
        let mut graph = DependencyGraph::default();
        graph.add_released("app");
        graph.add_development("tool");
        for (from, to) in
            [("app", "both"), ("tool", "both"), ("tool", "deep"), ("deep", "tool"), ("x", "y")]
        {
            graph.add_edge(from, to);
        }
        let development = graph.into_development();
        let names = ["app", "tool", "both", "deep", "x", "y", "unknown"];
        let found: Vec<_> = names.into_iter().filter(|name| development.contains(name)).collect();
        assert_eq!(found, ["tool", "deep"]);
    }
}

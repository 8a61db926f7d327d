//! Names with values, in the order in which they came.

use std::collections::HashMap;

use super::lexer::Lookup;

/// Variables in their order. A name that comes again keeps its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    pairs: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Variables {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.places.get(name).map(|place| self.pairs[*place].1.as_str())
    }

    /// Gives `name` the value `value`.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.places.get(name) {
            Some(place) => value.clone_into(&mut self.pairs[*place].1),
            None => {
                self.places.insert(name.to_owned(), self.pairs.len());
                self.pairs.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Variables {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        pairs.into_iter().for_each(|(name, value)| variables.set(name, value));
        variables
    }
}

impl Lookup for Variables {
    fn get(&self, name: &str) -> Option<&str> {
        Self::get(self, name)
    }
}

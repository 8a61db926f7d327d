//! In which order tables are copied.

use super::side::Table;
use crate::error::Error;

/// Tables so that each stands behind those that its foreign keys refer to.
pub(super) fn parents_first(tables: Vec<Table>) -> Result<Vec<Table>, Error> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    let mut left = tables;
    while !left.is_empty() {
        let is_free = |table: &Table| {
            table.parents.iter().all(|parent| *parent == table.name || ordered.iter().any(|done| done.name == *parent))
        };
        let (free, bound): (Vec<_>, Vec<_>) = left.into_iter().partition(is_free);
        if let (true, Some(table)) = (free.is_empty(), bound.first()) {
            return Err(Error::CircularTables { table: table.name.clone() });
        }
        ordered.extend(free);
        left = bound;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parents: &[&str]) -> Table {
        let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
        Table { name: name.to_owned(), columns: Vec::new(), key: Vec::new(), parents }
    }

    #[test]
    fn tables_come_after_those_that_they_refer_to() {
        let tables = vec![table("c", &["b", "a"]), table("b", &["a", "b"]), table("a", &[]), table("d", &[])];
        let names: Vec<_> = parents_first(tables).unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["a", "d", "b", "c"]);
    }

    #[test]
    fn tables_that_refer_to_each_other_in_a_circle_are_refused() {
        let circle = vec![table("a", &["b"]), table("b", &["a"])];
        assert!(matches!(parents_first(circle), Err(Error::CircularTables { .. })));
    }
}

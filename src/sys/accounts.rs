//! Names of users and groups by the system's own lists. An account that stands elsewhere (LDAP) is shown by its number.

use std::fs;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// A user's name, or the number where it has none.
pub fn user_name(uid: u32) -> String {
    name_of(USERS, uid)
}

/// A group's name, or the number where it has none.
pub fn group_name(gid: u32) -> String {
    name_of(GROUPS, gid)
}

/// This process's user.
pub fn own_user() -> String {
    user_name(rustix::process::geteuid().as_raw())
}

/// The groups that this process is in.
pub fn own_groups() -> Vec<String> {
    let mut ids = rustix::process::getgroups().unwrap_or_default();
    ids.push(rustix::process::getegid());
    let mut names: Vec<String> = ids.into_iter().map(|gid| group_name(gid.as_raw())).collect();
    names.sort();
    names.dedup();
    names
}

/// The groups that a user is listed in, the primary one included; none for an unknown user.
pub fn listed_groups(user: &str) -> Vec<String> {
    let users = fs::read_to_string(USERS).unwrap_or_default();
    let groups = fs::read_to_string(GROUPS).unwrap_or_default();
    groups_of(user, &users, &groups)
}

fn groups_of(user: &str, users: &str, groups: &str) -> Vec<String> {
    let Some(primary) = users.lines().map(fields).find(|fields| fields.first() == Some(&user)).and_then(|fields| fields.get(3).copied())
    else {
        return Vec::new();
    };
    let is_in = |fields: &Vec<&str>| {
        fields.get(2) == Some(&primary) || fields.get(3).is_some_and(|members| members.split(',').any(|member| member == user))
    };
    groups.lines().map(fields).filter(is_in).filter_map(|fields| fields.first().map(|name| (*name).to_owned())).collect()
}

fn name_of(file: &str, id: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let id = id.to_string();
    let found = text.lines().map(fields).find(|fields| fields.get(2) == Some(&id.as_str()));
    found.and_then(|fields| fields.first().map(|name| (*name).to_owned())).unwrap_or(id)
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_groups_are_its_own_and_those_that_list_it() {
        let users = "root:x:0:0::/root:/bin/sh\npunchd:x:998:997::/var/lib/punchd:/bin/false\n";
        let groups = "root:x:0:\ndialout:x:20:someone,punchd\naudio:x:29:punchdog\npunchd:x:997:\n";
        assert_eq!(groups_of("punchd", users, groups), ["dialout", "punchd"]);
        assert!(groups_of("nobody", users, groups).is_empty());
    }

    #[test]
    fn an_unlisted_number_stays_a_number() {
        assert_eq!(user_name(0), "root");
        assert_eq!(group_name(4_000_000_001), "4000000001");
    }
}

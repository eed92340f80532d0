//! A roster file compared with what is held: what would be added, what changes, which cards are given and which end.
//!
//! Rules of the import: rows are an upsert; who is absent from the file stays, and so does what the file has no column for. A card that a person has not yet is given; where the person
//! had another one, the new one holds from the day of the import and the old one ends with that day. A person's end (退出日期) ends all of that
//! person's credentials. A card that is somebody else's on a common date is refused.

use serde::Serialize;

use super::credential::{Written, alike, in_the_way};
use crate::domain::id::StaffNo;
use crate::domain::person::Person;
use crate::domain::roster::{Binding, Claim, Roster};
use crate::domain::time::WorkDate;
use crate::office::roster_file::{RosterFile, RosterRow, RowProblem};
use crate::office::store::{BindingId, Fact};

/// What an import does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RosterReport {
    /// Rows in the file.
    pub rows: usize,
    /// People who are new.
    pub added: Vec<PersonChange>,
    /// People of whom something changes.
    pub changed: Vec<PersonChange>,
    /// People who stay as they are.
    pub unchanged: usize,
    /// People who are held and not in the file; they stay.
    pub absent: usize,
    /// Cards that are given.
    pub cards_given: Vec<CardChange>,
    /// Credentials that end.
    pub credentials_ended: Vec<CardChange>,
    /// What forbids the import, each with its line.
    pub problems: Vec<RowProblem>,
    /// What is worth a look.
    pub notices: Vec<RowProblem>,
    /// Whether it was applied.
    pub applied: bool,
    /// Punches that got another person by it.
    pub punches_matched: usize,
}

/// A person who is new or changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonChange {
    /// The line in the file.
    pub line: u64,
    /// Who.
    pub staff_no: StaffNo,
    /// The name.
    pub name: String,
    /// The columns that change; empty for a new person.
    pub columns: Vec<&'static str>,
}

/// A credential that is given or ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardChange {
    /// The line in the file.
    pub line: u64,
    /// Whose.
    pub staff_no: StaffNo,
    /// The credential as it is written.
    pub credential: String,
    /// Its first day; none is open to the past.
    pub from: Option<WorkDate>,
    /// Its last day; none is open to the future.
    pub until: Option<WorkDate>,
}

/// Compares a file with what is held.
pub fn plan(mut file: RosterFile, roster: &Roster, bindings: Vec<(BindingId, Binding)>, today: WorkDate) -> (RosterReport, Vec<Fact>) {
    for row in &mut file.rows {
        if let Some(known) = roster.people.get(&row.person.staff_no) {
            keep_absent_columns(&mut row.person, known, &file.columns);
        }
    }
    let report = RosterReport { rows: file.rows.len(), problems: file.problems, notices: file.notices, ..RosterReport::default() };
    let mut plan = Plan { roster, held: bindings, today, report, facts: Vec::new() };
    for row in &file.rows {
        plan.person(row);
    }
    for row in &file.rows {
        plan.exit(row);
    }
    for row in &file.rows {
        plan.card(row);
    }
    let in_file = plan.report.added.len() + plan.report.changed.len() + plan.report.unchanged;
    plan.report.absent = (roster.people.len() + plan.report.added.len()).saturating_sub(in_file);
    if !plan.report.problems.is_empty() {
        plan.facts.clear();
    }
    (plan.report, plan.facts)
}

/// The id of a credential that this plan gives and the store does not know yet.
const NOT_YET: BindingId = BindingId(u32::MAX);

struct Plan<'a> {
    roster: &'a Roster,
    /// What holds, with the changes planned so far.
    held: Vec<(BindingId, Binding)>,
    today: WorkDate,
    report: RosterReport,
    facts: Vec<Fact>,
}

impl Plan<'_> {
    fn person(&mut self, row: &RosterRow) {
        let change =
            |columns| PersonChange { line: row.line, staff_no: row.person.staff_no.clone(), name: row.person.name.clone(), columns };
        match self.roster.people.get(&row.person.staff_no) {
            Some(known) if *known == row.person => {
                self.report.unchanged += 1;
                return;
            }
            Some(known) => self.report.changed.push(change(differing(known, &row.person))),
            None => self.report.added.push(change(Vec::new())),
        }
        self.facts.push(Fact::Person(row.person.clone()));
    }

    /// The person's end is the end of everything that person holds.
    fn exit(&mut self, row: &RosterRow) {
        let Some(exit) = row.person.exit else { return };
        self.end(row, exit, |binding| binding.until.is_none_or(|until| until > exit));
    }

    /// The card that an exit still to come would end, where the row names none and puts that exit off: it goes on until the new one.
    fn put_off(&self, row: &RosterRow) -> Option<Vec<u8>> {
        let before = self.roster.people.get(&row.person.staff_no)?.exit?;
        let is_put_off = before >= self.today && row.person.exit.is_some_and(|exit| exit > before);
        let held = self.held.iter().map(|(_, binding)| binding).filter(|_| is_put_off);
        let own = held.filter(|binding| binding.staff_no == row.person.staff_no && binding.until == Some(before));
        let free = |claim: &Claim| {
            let alike = |other: &Binding| other.staff_no != row.person.staff_no && alike(&other.claim, claim);
            !self.held.iter().any(|(_, other)| alike(other) && other.until.is_none_or(|until| until > before))
        };
        own.filter(|binding| free(&binding.claim))
            .find_map(|binding| if let Claim::Card(card) = &binding.claim { Some(card.clone()) } else { None })
    }

    fn card(&mut self, row: &RosterRow) {
        let Some(card) = row.card.clone().or_else(|| self.put_off(row)) else { return };
        let (claim, exit) = (Claim::Card(card), row.person.exit);
        let own: Vec<&Binding> = self.held.iter().map(|(_, binding)| binding).filter(|b| b.staff_no == row.person.staff_no).collect();
        let covers = |binding: &&Binding| binding.until.is_none_or(|until| exit.map_or(until > self.today, |exit| until >= exit));
        let same: Vec<&Binding> = own.iter().copied().filter(|binding| alike(&binding.claim, &claim)).collect();
        if same.iter().any(covers) {
            return;
        }
        let had_cards = own.iter().any(|binding| matches!(binding.claim, Claim::Card(_)));
        let others = self.held.iter().map(|(_, b)| b).filter(|b| b.staff_no != row.person.staff_no && alike(&b.claim, &claim));
        let others_ended = others.filter_map(|binding| binding.until).filter(|until| *until < self.today).max();
        let from = match (same.iter().filter_map(|binding| binding.until).max(), others_ended) {
            (Some(until), _) => until.succ_opt(),
            (None, _) if had_cards => Some(self.today),
            (None, ended) => ended.and_then(|until| until.succ_opt()),
        };
        if from.zip(exit).is_some_and(|(from, exit)| from > exit) {
            return;
        }
        let binding = Binding { staff_no: row.person.staff_no.clone(), claim, from, until: exit };
        if let Some((_, other)) = in_the_way(&binding, &self.held) {
            self.report.problems.push(taken(row, other));
            return;
        }
        let (today, given) = (self.today, binding.claim.clone());
        self.end(row, today, |binding| {
            let lasting = binding.until.is_none_or(|until| until > today);
            lasting && matches!(binding.claim, Claim::Card(_)) && !alike(&binding.claim, &given)
        });
        self.report.cards_given.push(change(row, &binding));
        self.facts.push(Fact::Binding { id: None, binding: binding.clone() });
        self.held.push((NOT_YET, binding));
    }

    /// Ends those of the row's person's credentials that are to end; one that would end before it began never was.
    fn end(&mut self, row: &RosterRow, last: WorkDate, ends: impl Fn(&Binding) -> bool) {
        for (id, binding) in &mut self.held {
            if binding.staff_no != row.person.staff_no || *id == NOT_YET || !ends(binding) {
                continue;
            }
            binding.until = Some(last);
            self.report.credentials_ended.push(change(row, binding));
            self.facts.push(Fact::Binding { id: Some(*id), binding: binding.clone() });
        }
    }
}

fn change(row: &RosterRow, binding: &Binding) -> CardChange {
    CardChange {
        line: row.line,
        staff_no: binding.staff_no.clone(),
        credential: Written(&binding.claim).to_string(),
        from: binding.from,
        until: binding.until,
    }
}

fn taken(row: &RosterRow, other: &Binding) -> RowProblem {
    let owner = &other.staff_no;
    let until = other.until.map_or_else(String::new, |until| format!("（至 {until}）"));
    RowProblem {
        line: row.line,
        column: "卡号".to_owned(),
        zh: format!("此卡已登记给工号 {owner}{until}；请先用 punch-office credential end 停用"),
        en: format!("this card is staff number {owner}'s; end it there first with punch-office credential end"),
    }
}

/// What a file has no column for stays as it is held.
fn keep_absent_columns(person: &mut Person, known: &Person, columns: &[&str]) {
    let absent = |column: &str| !columns.contains(&column);
    let texts = [
        ("姓名拼音", &mut person.name_pinyin, &known.name_pinyin),
        ("窗口号", &mut person.window, &known.window),
        ("身份类别", &mut person.employment, &known.employment),
        ("备注", &mut person.note, &known.note),
    ];
    for (_, text, held) in texts.into_iter().filter(|(column, ..)| absent(column)) {
        text.clone_from(held);
    }
    for (column, date, held) in [("上岗日期", &mut person.on_post_from, known.on_post_from), ("退出日期", &mut person.exit, known.exit)]
    {
        *date = if absent(column) { held } else { *date };
    }
    for (column, number, held) in [("部门序", &mut person.order.0, known.order.0), ("人员序", &mut person.order.1, known.order.1)] {
        *number = if absent(column) { held } else { *number };
    }
    person.head = if absent("窗口负责人") { known.head } else { person.head };
}

/// The columns in which two rows of one person differ.
fn differing(a: &Person, b: &Person) -> Vec<&'static str> {
    let columns = [
        ("姓名", a.name != b.name),
        ("姓名拼音", a.name_pinyin != b.name_pinyin),
        ("派驻部门", a.department != b.department),
        ("窗口号", a.window != b.window),
        ("岗位类别", a.post_class != b.post_class),
        ("窗口负责人", a.head != b.head),
        ("身份类别", a.employment != b.employment),
        ("进驻日期", a.joined != b.joined),
        ("上岗日期", a.on_post_from != b.on_post_from),
        ("退出日期", a.exit != b.exit),
        ("部门序", a.order.0 != b.order.0),
        ("人员序", a.order.1 != b.order.1),
        ("备注", a.note != b.note),
    ];
    columns.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column).collect()
}

#[cfg(test)]
mod tests;

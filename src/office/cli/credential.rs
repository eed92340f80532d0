//! `credential add|list|end`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::desk::{Desk, write_out};
use super::{Context, Failure, print_json};
use crate::domain::id::{ReaderName, StaffNo, TerminalId};
use crate::domain::roster::{Binding, Claim};
use crate::domain::time::WorkDate;
use crate::office::export::grid::Grid;
use crate::office::plan::credential::{self, Written};
use crate::office::store::{BindingId, Fact, UnknownCredential};
use crate::sys::{self, Exit};

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Give a credential to a person; earlier punches with it are matched
    Add {
        /// Whose it is (工号)
        #[arg(long)]
        staff_no: StaffNo,
        #[command(flatten)]
        what: What,
        /// Its first day; open to the past where not given
        #[arg(long, value_name = "DATE")]
        from: Option<WorkDate>,
        /// Its last day; open to the future where not given
        #[arg(long, value_name = "DATE")]
        until: Option<WorkDate>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Credentials that were given, or those that were presented and are nobody's
    List {
        /// Those that were presented and are nobody's
        #[arg(long, conflicts_with = "staff_no")]
        unknown: bool,
        /// Only this person's
        #[arg(long)]
        staff_no: Option<StaffNo>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a credential
    End {
        /// Which, as `credential list` numbers it
        id: BindingId,
        /// Its last day; today where not given
        #[arg(long, value_name = "DATE")]
        until: Option<WorkDate>,
        /// It was given by mistake: as if it had never been
        #[arg(long, conflicts_with = "until")]
        mistake: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What identifies.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// A card's printed number: 10 digits, 3+5, 8 digits, or hexadecimal
    #[arg(long, value_name = "NUMBER")]
    card: Option<String>,
    /// A text as a reader gives it, such as a QR code's
    #[arg(long)]
    text: Option<String>,
    /// A slot of a fingerprint module
    #[arg(long, value_name = "TERMINAL/READER:SLOT")]
    finger: Option<String>,
}

impl What {
    fn claim(&self) -> Result<Claim, Failure> {
        let claim = match (&self.card, &self.text, &self.finger) {
            (Some(card), _, _) => credential::card(card),
            (_, Some(text), _) => credential::text(text),
            (_, _, Some(finger)) => credential::finger(finger),
            (None, None, None) => return Err(Failure::new(Exit::Usage, "name a credential", "--card, --text or --finger")),
        };
        claim.map_err(|error| Failure::new(Exit::Usage, error, ""))
    }
}

/// A credential that was given.
#[derive(Debug, Serialize)]
struct Given {
    id: u32,
    staff_no: StaffNo,
    name: String,
    kind: &'static str,
    credential: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    printed: Vec<String>,
    from: Option<WorkDate>,
    until: Option<WorkDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    punches_matched: Option<usize>,
}

/// A credential that is nobody's.
#[derive(Debug, Serialize)]
struct Unknown {
    credential: String,
    shown: String,
    printed: Vec<String>,
    terminal: TerminalId,
    reader: ReaderName,
    formerly: Option<StaffNo>,
    count: u64,
    first_at: String,
    last_at: String,
    /// How to give it to somebody.
    assign: String,
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Add { staff_no, what, from, until, json } => {
            let binding = Binding { staff_no, claim: what.claim()?, from, until };
            let given = context.at_desk(async |desk| add(desk, binding).await)?;
            print_one(&given, json)
        }
        Verb::List { unknown: true, json, .. } => {
            let unknown = context.at_desk(async |desk| {
                let found = desk.store.unknown_credentials(desk.site).await?;
                Ok(found.iter().map(|one| Unknown::of(one, desk)).collect::<Vec<_>>())
            })?;
            if json { print_json(&unknown).map(|()| Exit::Ok) } else { print_unknown(&unknown) }
        }
        Verb::List { staff_no, json, .. } => {
            let given = context.at_desk(async |desk| list(desk, staff_no.as_ref()).await)?;
            if json { print_json(&given).map(|()| Exit::Ok) } else { print_given(&given) }
        }
        Verb::End { id, until, mistake, json } => {
            let given = context.at_desk(async |desk| end(desk, id, until, mistake).await)?;
            print_one(&given, json)
        }
    }
}

async fn add(desk: &Desk<'_>, binding: Binding) -> Result<Given, Failure> {
    let roster = desk.store.roster(desk.site).await?;
    let staff_no = &binding.staff_no;
    let Some(person) = roster.people.get(staff_no) else {
        return Err(Failure::new(
            Exit::Data,
            format_args!("名册中没有工号 {staff_no} / nobody has staff number {staff_no}"),
            "run punch-office roster import",
        ));
    };
    if binding.from.zip(binding.until).is_some_and(|(from, until)| until < from) {
        return Err(Failure::new(Exit::Usage, "--until lies before --from", ""));
    }
    let held = desk.store.bindings(desk.site).await?;
    if let Some((id, _)) = held.iter().find(|(_, held)| *held == binding) {
        return Ok(Given::of(*id, &binding, &person.name, Some(0)));
    }
    if let Some((id, other)) = credential::in_the_way(&binding, &held) {
        let (owner, until) = (&other.staff_no, other.until.map(|until| format!(" until {until}")).unwrap_or_default());
        let text = format!("该凭据已登记给工号 {owner} / this credential is staff number {owner}'s{until}");
        return Err(Failure::new(
            Exit::Data,
            text,
            format_args!("end it first (punch-office credential end {}), or begin after it with --from", id.0),
        ));
    }
    let added = desk.add(vec![Fact::Binding { id: None, binding: binding.clone() }]).await?;
    let id = added.bindings.first().copied().unwrap_or(BindingId(0));
    Ok(Given::of(id, &binding, &person.name, Some(added.reissued)))
}

async fn list(desk: &Desk<'_>, staff_no: Option<&StaffNo>) -> Result<Vec<Given>, Failure> {
    let roster = desk.store.roster(desk.site).await?;
    let name = |staff_no: &StaffNo| roster.people.get(staff_no).map(|person| person.name.as_str()).unwrap_or_default();
    let held = desk.store.bindings(desk.site).await?;
    let wanted = held.iter().filter(|(_, binding)| staff_no.is_none_or(|wanted| *wanted == binding.staff_no));
    Ok(wanted.map(|(id, binding)| Given::of(*id, binding, name(&binding.staff_no), None)).collect())
}

async fn end(desk: &Desk<'_>, id: BindingId, until: Option<WorkDate>, mistake: bool) -> Result<Given, Failure> {
    let held = desk.store.bindings(desk.site).await?;
    let Some((_, mut binding)) = held.into_iter().find(|(known, _)| *known == id) else {
        return Err(Failure::new(Exit::Data, format_args!("there is no credential {}", id.0), "see punch-office credential list"));
    };
    let fact = if mistake {
        Fact::BindingWithdrawn(id)
    } else {
        binding.until = Some(until.unwrap_or_else(|| desk.today()));
        Fact::Binding { id: Some(id), binding: binding.clone() }
    };
    let added = desk.add(vec![fact]).await?;
    let roster = desk.store.roster(desk.site).await?;
    let name = roster.people.get(&binding.staff_no).map(|person| person.name.clone()).unwrap_or_default();
    Ok(Given::of(id, &binding, &name, Some(added.reissued)))
}

impl Given {
    fn of(id: BindingId, binding: &Binding, name: &str, punches_matched: Option<usize>) -> Self {
        let written = Written(&binding.claim);
        Self {
            id: id.0,
            staff_no: binding.staff_no.clone(),
            name: name.to_owned(),
            kind: written.kind(),
            credential: written.to_string(),
            printed: credential::printed_forms(&binding.claim),
            from: binding.from,
            until: binding.until,
            punches_matched,
        }
    }

    fn cells(&self) -> [String; 7] {
        let date = |date: Option<WorkDate>| date.map_or_else(|| "-".to_owned(), |date| date.to_string());
        let Self { id, staff_no, name, kind, credential, from, until, .. } = self;
        [id.to_string(), staff_no.to_string(), name.clone(), (*kind).to_owned(), credential.clone(), date(*from), date(*until)]
    }
}

impl Unknown {
    fn of(unknown: &UnknownCredential, desk: &Desk<'_>) -> Self {
        let claim = credential::claim_of(unknown);
        let written = match &claim {
            Claim::Card(_) => format!("--card {}", Written(&claim)),
            Claim::Text(text) => format!("--text '{}'", text.replace('\'', "'\\''")),
            Claim::Finger { .. } => format!("--finger {}", Written(&claim)),
        };
        Self {
            credential: unknown.credential.to_string(),
            shown: unknown.credential.shown(),
            printed: credential::printed_forms(&claim),
            terminal: unknown.terminal.clone(),
            reader: unknown.reader.clone(),
            formerly: unknown.formerly.clone(),
            count: unknown.count,
            first_at: desk.offset.rfc3339(unknown.first_at),
            last_at: desk.offset.rfc3339(unknown.last_at),
            assign: written,
        }
    }
}

fn print_one(given: &Given, json: bool) -> Result<Exit, Failure> {
    if json {
        return print_json(given).map(|()| Exit::Ok);
    }
    sys::out(given.cells().join("  "));
    let matched = given.punches_matched.unwrap_or_default();
    sys::out(format_args!("重新对应打卡 {matched} 条 / punches matched again"));
    Ok(Exit::Ok)
}

fn print_given(given: &[Given]) -> Result<Exit, Failure> {
    let mut grid = Grid::with_head(&["序号", "工号", "姓名", "类别", "凭据", "自", "至"]);
    for one in given {
        grid.row(&one.cells());
    }
    write_out(|out| grid.write(0, out))
}

fn print_unknown(unknown: &[Unknown]) -> Result<Exit, Failure> {
    let mut grid = Grid::with_head(&["凭据", "卡面", "次数", "最近", "终端", "曾属", "登记"]);
    for one in unknown {
        let formerly = one.formerly.as_ref().map(ToString::to_string).unwrap_or_default();
        let assign = format!("punch-office credential add --staff-no 工号 {}", one.assign);
        let place = format!("{}/{}", one.terminal, one.reader);
        grid.row(&[one.credential.clone(), one.shown.clone(), one.count.to_string(), one.last_at.clone(), place, formerly, assign]);
    }
    write_out(|out| grid.write(0, out))
}

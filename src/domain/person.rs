//! A person sent to the centre, as the roster knows them.

use serde::{Deserialize, Serialize};

use super::id::StaffNo;
use super::time::WorkDate;

/// Longest name, in code points (民委发〔2016〕33号 asks for 25 hanzi; domain rule N2 doubles and rounds up).
pub const NAME_CHARS_MAX: usize = 64;

/// The class of a person's post (岗位类别).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostClass {
    /// 前台受理窗口: at the post ten minutes early (article 24(1)).
    Window,
    /// 后台办理.
    BackOffice,
    /// Anyone else.
    Other,
}

/// One row of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// 工号.
    pub staff_no: StaffNo,
    /// 姓名, NFC, separator U+00B7.
    pub name: String,
    /// 姓名拼音, for sorting and search; empty where unknown.
    #[serde(default)]
    pub name_pinyin: String,
    /// 派驻部门.
    pub department: String,
    /// 窗口号; empty where none.
    #[serde(default)]
    pub window: String,
    /// 岗位类别.
    pub post_class: PostClass,
    /// 窗口负责人.
    #[serde(default)]
    pub head: bool,
    /// 身份类别; empty where unknown.
    #[serde(default)]
    pub employment: String,
    /// 进驻日期.
    pub joined: WorkDate,
    /// 上岗日期: results are not required before it; `None` is the day of joining.
    #[serde(default)]
    pub on_post_from: Option<WorkDate>,
    /// 退出日期, the last day in the centre.
    #[serde(default)]
    pub exit: Option<WorkDate>,
    /// 部门序 and 人员序, the office's order.
    #[serde(default)]
    pub order: (u32, u32),
    /// 备注. Never sent to a kiosk.
    #[serde(default)]
    pub note: String,
}

/// Where a person stands on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Before 进驻日期 or 上岗日期: punches are kept, nothing is required.
    BeforePost,
    /// On post: the checkpoints hold.
    OnPost,
    /// After 退出日期: the credential is disabled, punches are kept all the same.
    Exited,
}

impl Person {
    /// Where the person stands on a date.
    pub fn standing(&self, date: WorkDate) -> Standing {
        if self.exit.is_some_and(|exit| date > exit) {
            Standing::Exited
        } else if date < self.joined || self.on_post_from.is_some_and(|from| date < from) {
            Standing::BeforePost
        } else {
            Standing::OnPost
        }
    }
}

//! stub
use crate::app::Drawn;
use crate::view::scene::Scene;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub(crate) fn draw(_scene: &Scene<'_>, _buf: &mut Buffer, _body: Rect) -> Drawn {
    Drawn::default()
}

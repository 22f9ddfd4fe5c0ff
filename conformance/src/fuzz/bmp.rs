//! BMP: framing, every message decoded and written again, the context of a Peer Up.

use bgp_wire::UpdateView;
use bgp_wire::bmp::{self, Message, MessageType, PeerUp, RouteMonitoring};
use bytes::BytesMut;

use super::check_error;

/// The first octet chooses a type, whose body the rest is, or else the rest is a stream.
///
/// # Panics
/// If a message is not the front of the stream, or is not written again octet for octet.
pub fn bmp(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let stream = match first {
        0..=7 => {
            let length = u32::try_from(bmp::HEADER_LEN + rest.len()).unwrap_or(u32::MAX);
            [&[bmp::VERSION][..], &length.to_be_bytes(), &[*first], rest].concat()
        }
        _ => rest.to_vec(),
    };
    let (mut rest, mut up) = (&stream[..], None);
    loop {
        match bmp::frame(rest, LIMIT) {
            Ok(Some((frame, behind))) => {
                assert!(rest.ends_with(behind) && behind.len() + bmp::HEADER_LEN + frame.body.len() == rest.len());
                let whole = rest.get(..rest.len() - behind.len()).unwrap_or_default();
                match frame.message() {
                    Ok(message) => check(whole, &message, frame.ty, &mut up),
                    Err(error) => {
                        assert!(usize::try_from(error.offset).is_ok_and(|at| at <= whole.len()), "{error}");
                        assert!(!error.to_string().is_empty());
                    }
                }
                rest = behind;
            }
            Ok(None) => return,
            Err(error) => return assert!(!error.to_string().is_empty()),
        }
    }
}

fn check<'m>(whole: &[u8], message: &Message<'m>, ty: MessageType, up: &mut Option<PeerUp<'m>>) {
    assert_eq!(message.message_type(), ty);
    let mut out = BytesMut::new();
    assert_eq!(message.encode(&mut out), Ok(()));
    assert_eq!(&out[..], whole);
    if let Some(peer) = message.peer() {
        let _ = (peer.addr(), peer.view());
    }
    match message {
        Message::PeerUp(message) => {
            assert!(message.information.map(|tlv| tlv.value.len()).sum::<usize>() <= whole.len());
            *up = Some(*message);
        }
        Message::RouteMonitoring(RouteMonitoring { peer, update }) => {
            let Some(Ok(context)) = up.map(|up| up.context(peer)) else { return };
            assert_eq!(context.four_octet_as(), peer.four_octet_as());
            if let Err(error) = UpdateView::decode(update, &context) {
                check_error(&error, update, &[1, 3]);
            }
        }
        Message::StatisticsReport(report) => {
            let mut octets = Vec::new();
            for statistic in report.statistics {
                assert_eq!(statistic.write(&mut octets), Ok(()));
            }
            assert_eq!(octets, report.statistics.as_bytes());
        }
        _ => {}
    }
}

const LIMIT: u32 = 1 << 18;

//! How often the codec allocates for an UPDATE of a route collector.

use allocation_counter::measure;
use benches::codec::values::hand_over;
use benches::collector;
use bgp_wire::{UpdateBuf, UpdateView};

#[test]
fn a_view_and_every_value_of_it_take_no_allocation() {
    for sample in collector::generated() {
        let info = measure(|| hand_over(&UpdateView::decode(&sample.message, &sample.context).unwrap()));
        assert_eq!(info.count_total, 0, "{:02x?}", sample.message);
    }
}

#[test]
fn an_owned_update_takes_one_allocation_and_none_when_it_is_filled_again() {
    let samples = collector::generated();
    let mut again = UpdateBuf::new();
    let _ = measure(|| samples.iter().for_each(|sample| again.decode(&sample.message, &sample.context).unwrap()));
    for sample in &samples {
        let info = measure(|| UpdateBuf::new().decode(&sample.message, &sample.context).unwrap());
        assert_eq!(info.count_total, 1, "{:02x?}", sample.message);
        let info = measure(|| again.decode(&sample.message, &sample.context).unwrap());
        assert_eq!(info.count_total, 0, "{:02x?}", sample.message);
    }
}

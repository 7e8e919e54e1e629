package shell

import "testing"

// However many notifications wait, none is lost.
func TestWishes(t *testing.T) {
	w := &wishes{some: make(chan struct{}, 1)}
	for range 40 {
		w.add(wishSchema)
	}
	w.add(wishSettings)
	<-w.some
	if bits := w.bits.Swap(0); bits != wishSchema|wishSettings {
		t.Error(bits)
	}
}

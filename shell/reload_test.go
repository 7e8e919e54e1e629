package shell

import "testing"

// However many notifications wait, none is lost.
func TestReloadRequests(t *testing.T) {
	w := &reloadRequests{some: make(chan struct{}, 1)}
	for range 40 {
		w.add(schemaReload)
	}
	w.add(settingsReload)
	<-w.some
	if bits := w.bits.Swap(0); bits != schemaReload|settingsReload {
		t.Error(bits)
	}
}

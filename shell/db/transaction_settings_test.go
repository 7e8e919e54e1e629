package db

import "testing"

func TestTransactionSettings(t *testing.T) {
	if NewTransactionSettings("read committed", nil) != nil {
		t.Error("nothing to assume is not nil")
	}
	role := NewTransactionSettings("SERIALIZABLE", [][2]string{{"work_mem", "1MB"}})
	if role.isolation != "serializable" {
		t.Error(role.isolation)
	}
	both := role.With("repeatable read", [][2]string{{"statement_timeout", "5s"}})
	if both.isolation != "repeatable read" || len(both.settings) != 2 || both.settings[1][0] != "statement_timeout" {
		t.Errorf("%+v", both)
	}
	if kept := role.With("", nil); kept.isolation != "serializable" || len(kept.settings) != 1 {
		t.Errorf("%+v", kept)
	}
	var none *TransactionSettings
	if none.With("", nil) != nil || none.With("serializable", nil) == nil {
		t.Error("With on nothing")
	}
	if NewTransactionSettings("serializable; drop table x", nil) != nil {
		t.Error("an isolation level that is none")
	}
}

package main

import (
	"context"
	"fmt"
)

// memoryLoads are sent to see what the server and its sessions keep of them: %d makes each a shape of its own. All are
// sent several times over, so that every session meets most of them again.
var memoryLoads = []struct {
	target        string
	shapes, times int
}{
	{"/customers?select=a%d:id,name,city&id=eq.7", 10000, 3},
	{"/tenants?select=a%d:id,customers(id,orders(id,order_items(id,products(id,stock(quantity,warehouses(name))))))" +
		"&id=eq.7&customers.limit=1",
		300, 30},
}

// measureMemory returns what the server has resident and what the largest of its sessions has of its own.
func measureMemory(ctx context.Context, db *database, s *server) ([]target, error) {
	for _, l := range memoryLoads {
		progress(fmt.Sprintf("%s: %d shapes, %d times", s.name, l.shapes, l.times))
		a := &asked{}
		for n := range l.shapes {
			c := call{method: "GET", target: fmt.Sprintf(l.target, n)}
			a.requests = append(a.requests, c.encode(db.tokens.hs256, s.profile))
		}
		for range l.times {
			if _, err := load(ctx, s.address, a, burstConns, 0); err != nil {
				return nil, err
			}
		}
	}
	resident, err := memoryOf(s.pid(), "status", "VmRSS")
	if err != nil {
		return nil, err
	}
	private, proportional, err := db.memory(ctx, s.name)
	if err != nil {
		return nil, err
	}
	var largest float64
	for _, one := range private {
		largest = max(largest, one)
	}
	return []target{
		{lineMemory, fmt.Sprintf("%s: MiB resident", s.name), 96, true, resident},
		{lineMemory, fmt.Sprintf("%s: private MiB of the largest of %d sessions (median %.1f; Pss %.1f)",
			s.name, len(private),
			median(private), median(proportional)), 64, true, largest},
	}, nil
}

// memory returns what the sessions of an application have of their own, and in proportion to who shares it, in MiB.
func (db *database) memory(ctx context.Context, application string) (private, proportional []float64, err error) {
	pids, err := db.backends(ctx, application)
	if err != nil {
		return nil, nil, err
	}
	for _, pid := range pids {
		dirty, err := memoryOf(pid, "smaps_rollup", "Private_Dirty")
		if err != nil {
			return nil, nil, err
		}
		clean, err := memoryOf(pid, "smaps_rollup", "Private_Clean")
		if err != nil {
			return nil, nil, err
		}
		pss, err := memoryOf(pid, "smaps_rollup", "Pss")
		if err != nil {
			return nil, nil, err
		}
		private, proportional = append(private, dirty+clean), append(proportional, pss)
	}
	return private, proportional, nil
}

package admin

import "postern/shell/db"

// standbyMetrics shows what there is to tell of the standbys that reads go to, by their names, where there are any.
func standbyMetrics(s db.Stats, counter, gauge emit) {
	if len(s.Standbys) == 0 {
		return
	}
	counter("postern_standby_none_total", "Reads that went to the primary as there was no standby for them",
		float64(s.NoStandby))
	for _, one := range s.Standbys {
		up := 0.0
		if one.Up {
			up = 1
		}
		gauge("postern_standby_up", "Whether reads go to the standby: it answers and is no more than db-read-max-lag behind",
			up, one.Name)
		gauge("postern_standby_lag_seconds", "How far the standby is behind the primary; NaN where it is not known",
			one.Lag, one.Name)
		counter("postern_standby_reads_total", "Reads that the standby answered", float64(one.Reads), one.Name)
		counter("postern_standby_fallbacks_total", "Reads that the standby was asked for and the primary answered",
			float64(one.Fallbacks), one.Name)
	}
}

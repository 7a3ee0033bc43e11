"""The way of a comment, one stage a file; each is run again after a crash, and each commits once.

1. `ingest`: a due poll is claimed by a lease; the connector reads one page; its items are cleaned and stored with
   their versions, the checkpoint and the next poll time (T1). What cannot be stored is set aside.
2. `judge`: what nobody has judged yet is scored; the verdict, the case's events, its planned notices and the mails
   that follow are written together (T2). If the engine fails, a person is asked instead.
3. `notices`: a planned notice falls due; the case is looked at again, and a mail is queued only if nobody has
   answered since (T2 too).
4. `tell`: what is told in batches: old items in one summary, input set aside, outages that began and ended.
5. `unread`: a day's items in languages that no engine can judge, in one mail. `week`: a week has ended, and the
   page about it is queued once.
6. `dispatch`: a mail is claimed (T3), looked at once more, gathered and written (`details`, alerts.compose), and
   sent; what came of it is written, fenced on the attempt number (T4).

Rows remember, events wake: a stage that finds nothing due does nothing, and says when it wants to be asked again.
"""

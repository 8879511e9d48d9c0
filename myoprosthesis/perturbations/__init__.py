"""What is done to a body or a policy on purpose: fields, loads, weakness, fatigue, distorted feedback."""

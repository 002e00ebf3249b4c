mod access;
mod directory;
mod keys;
mod schedules;
mod times;
